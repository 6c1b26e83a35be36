"""The database itself refuses a ref, a child or a set of predictions of a commit that is not there, and keeps the commit
until the transaction that names it has ended. A foreign key cannot say it: a ref finds its network in its repository, and
parents are a list."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION repos_commit_of_repository_is_there() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM repos_commitrecord c JOIN repos_repository r ON r.network_id = c.network_id
      WHERE r.id = NEW.repository_id AND c.commit_id = NEW.commit_id FOR KEY SHARE OF c;
    IF NOT FOUND THEN
        RAISE EXCEPTION '%: commit % is not in the network of repository %', TG_TABLE_NAME, NEW.commit_id,
            NEW.repository_id USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION repos_parents_are_there() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE found integer;
BEGIN
    IF cardinality(NEW.parents) = 0 THEN RETURN NEW; END IF;
    PERFORM 1 FROM repos_commitrecord
      WHERE network_id = NEW.network_id AND commit_id = ANY(NEW.parents) FOR KEY SHARE;
    GET DIAGNOSTICS found = ROW_COUNT;
    IF found < cardinality(NEW.parents) THEN
        RAISE EXCEPTION 'commit %: a parent is not in its network', NEW.commit_id
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ref_names_a_commit BEFORE INSERT OR UPDATE OF commit_id, repository_id ON repos_ref
    FOR EACH ROW EXECUTE FUNCTION repos_commit_of_repository_is_there();
CREATE TRIGGER predictions_name_a_commit BEFORE INSERT OR UPDATE OF commit_id, repository_id ON repos_predictionset
    FOR EACH ROW EXECUTE FUNCTION repos_commit_of_repository_is_there();
CREATE TRIGGER commit_has_its_parents BEFORE INSERT OR UPDATE OF parents ON repos_commitrecord
    FOR EACH ROW EXECUTE FUNCTION repos_parents_are_there();
"""
BACKWARD = """
DROP TRIGGER commit_has_its_parents ON repos_commitrecord;
DROP TRIGGER predictions_name_a_commit ON repos_predictionset;
DROP TRIGGER ref_names_a_commit ON repos_ref;
DROP FUNCTION repos_parents_are_there();
DROP FUNCTION repos_commit_of_repository_is_there();
"""


class Migration(migrations.Migration):
    dependencies = [("repos", "0007_collection")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
