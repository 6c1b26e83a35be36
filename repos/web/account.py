"""Settings of a person: erasing the account. It is here because it says what becomes of their repositories."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from hub.errors import Invalid
from hub.web.people import signed_in
from repos.services.account_erasure import erase_account, what_happens


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: HttpRequest) -> HttpResponse:
    me = signed_in(request)
    if request.method != "POST":
        return render(request, "accounts/erase.html", {"section": "erase", "owned": what_happens(me)})
    if request.POST.get("confirm", "").strip() != me.username:
        raise Invalid(f"type {me.username} to confirm: this cannot be undone", field="confirm")
    erase_account(me, me)
    logout(request)
    messages.success(request, "Your account is erased.")
    return redirect("/")
