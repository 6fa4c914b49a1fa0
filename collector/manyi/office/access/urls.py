"""The addresses of accounts: login, second factor, own account, the three officers' pages.

allauth's views are named one by one: there is no signup, no e-mail and no reset by mail to be found.
"""

from __future__ import annotations

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.socialaccount import views as social
from allauth.socialaccount.providers.openid_connect import views as oidc
from django.urls import path

from manyi.office.access import log, officers, pages
from manyi.office.access.scope import Action, public, ruled

OWN = Action.self

access = [
    path("start/", pages.home, name="home"),
    path("login/", public(account.login), name="account_login"),
    path("login/code/", public(mfa.authenticate), name="mfa_authenticate"),
    path("login/closed/", public(account.account_inactive), name="account_inactive"),
    path("logout/", public(account.logout), name="account_logout"),
    path("screen/<str:token>/", pages.screen, name="screen"),
    path("sso/failed/", public(social.login_error), name="socialaccount_login_error"),
    path("sso/cancelled/", public(social.login_cancelled), name="socialaccount_login_cancelled"),
    path("sso/<str:provider_id>/login/", public(pages.sso), name="openid_connect_login"),
    path("sso/<str:provider_id>/back/", public(oidc.callback), name="openid_connect_callback"),
    path("me/", pages.me, name="me"),
    path("me/password/", ruled(account.password_change, OWN), name="account_change_password"),
    path("me/confirm/", ruled(account.reauthenticate, OWN), name="account_reauthenticate"),
    path("me/factor/", pages.factor, name="mfa_index"),
    path("me/factor/confirm/", ruled(mfa.reauthenticate, OWN), name="mfa_reauthenticate"),
    path("me/factor/add/", ruled(totp.activate_totp, OWN), name="mfa_activate_totp"),
    path("me/factor/remove/", ruled(totp.deactivate_totp, OWN), name="mfa_deactivate_totp"),
    path("me/factor/codes/", ruled(codes.view_recovery_codes, OWN), name="mfa_view_recovery_codes"),
    path(
        "me/factor/codes/new/", ruled(codes.generate_recovery_codes, OWN), name="mfa_generate_recovery_codes"
    ),
    path(
        "me/factor/codes/file/", ruled(codes.download_recovery_codes, OWN), name="mfa_download_recovery_codes"
    ),
    path("accounts/", officers.accounts, name="accounts"),
    path("accounts/file/", officers.accounts_file, name="accounts-file"),
    path("accounts/new/", officers.account_new, name="account-new"),
    path("accounts/<int:number>/", officers.account_edit, name="account-edit"),
    path("roles/", officers.roles, name="roles"),
    path("roles/file/", officers.roles_file, name="roles-file"),
    path("roles/<int:number>/", officers.role_edit, name="role-edit"),
    path("audit/", log.audit_log, name="audit"),
    path("audit/file/", log.audit_file, name="audit-file"),
]
