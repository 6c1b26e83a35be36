"""The one-command run: real services from wheels, started in order, watched, and stopped in reverse.

options    what the caller may choose            ports      free ports, remembered
state      secrets and ports, kept in the data   locate     where the programs are
children   how a child process is started        service    one watched child
postgres, valkey, seaweed    the three engines   stack      the three together (tests use it too)
frontend   the build of the front end            app        web, worker, migrations, demonstration
"""
