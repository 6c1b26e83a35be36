"""Settings of a person: profile and tokens. E-mail, password and second factors are allauth's pages."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from hub.accounts.forms import ProfileForm, TokenForm
from hub.accounts.models import User
from hub.accounts.selectors import live_tokens
from hub.accounts.services import create_token, revoke_token, update_profile
from hub.errors import Refused


def person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Refused
    return request.user


@require_GET
@login_required
def start(request: HttpRequest) -> HttpResponse:
    return redirect("settings-profile")


@require_http_methods(["GET", "POST"])
@login_required
def profile(request: HttpRequest) -> HttpResponse:
    user = person(request)
    form = ProfileForm(request.POST or None, initial={"display_name": user.display_name, "bio": user.bio})
    if request.method == "POST" and form.is_valid():
        update_profile(actor=user, **form.cleaned_data)
        messages.success(request, "Your profile is saved.")
        return redirect("settings-profile")
    return render(request, "accounts/profile.html", {"form": form, "section": "profile"})


@require_http_methods(["GET", "POST"])
@login_required
@never_cache
def tokens(request: HttpRequest) -> HttpResponse:
    """The text of a new token is on the answer to its form and nowhere else, so that no page shows it twice."""
    user, plain = person(request), ""
    form = TokenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        _, plain = create_token(actor=user, **form.cleaned_data)
        form = TokenForm()
    context = {"form": form, "tokens": live_tokens(user), "plain": plain, "section": "tokens"}
    return render(request, "accounts/tokens.html", context)


@require_POST
@login_required
def revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    revoke_token(actor=person(request), token_id=token_id)
    messages.success(request, "The token is revoked: whoever uses it is refused from now on.")
    return redirect("settings-tokens")
