"""The one settings file: what differs between installations is an environment variable."""

import os
from pathlib import Path

from config.adminkit.unfold import UNFOLD as ADMIN_THEME
from config.database import databases
from config.environment import Environment

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("WATCHBILL_VAR", BASE_DIR / "var"))
ENV = Environment(os.environ, var=VAR)

DEBUG = False
SECRET_KEY = ENV.secret_key()
ALLOWED_HOSTS = ENV.hosts()
CSRF_TRUSTED_ORIGINS = ENV.trusted_origins()
BASE_URL = ENV.base_url()
SIGNING_KEY = ENV.path("WATCHBILL_SIGNING_KEY", VAR / "keys" / "signing.pem")
CHECKPOINT_DIR = ENV.path("WATCHBILL_CHECKPOINT_DIR", VAR / "checkpoints")
DEADMAN_URL = ENV.text("WATCHBILL_DEADMAN_URL")
SMTP_URL = ENV.text("WATCHBILL_SMTP_URL")
LEASE_SECONDS = float(ENV.text("WATCHBILL_LEASE_SECONDS", "60"))
OUTBOUND_ALLOW = ENV.items("WATCHBILL_OUTBOUND_ALLOW")
TRUSTED_PROXIES = ENV.items("WATCHBILL_TRUSTED_PROXIES")
METRICS_TOKEN = ENV.text("WATCHBILL_METRICS_TOKEN")
API_REQUESTS_PER_MINUTE = ENV.number("WATCHBILL_API_REQUESTS_PER_MINUTE", 3000)

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.inlines",
    "unfold.contrib.guardian",
    "unfold.contrib.simple_history",
    "config.adminkit.apps.WatchbillAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "csp",
    "django_filters",
    "django_htmx",
    "django_q",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "guardian",
    "rest_framework",
    "simple_history",
    "config.apps.PlatformConfig",
    "incidents",
    "escalation",
    "postmortems",
    "compliance",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.edge.RequestIdMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.edge.OriginMiddleware",
    "config.edge.StandInMiddleware",
    "config.edge.RightsOnceMiddleware",
    "config.apikit.throttling.RateLimitHeaders",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = None
# What config.asgi hands to raw ASGI handlers instead of Django: prefix of the path -> handler.
RAW_HANDLERS: dict[str, str] = dict.fromkeys(
    ("/ingest/", "/v2/enqueue", "/v2/change/enqueue", "/v2/alerts"),
    "incidents.alerts.intake.application",
)
WEB_THREADS = 8
WEB_QUEUE = 64
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "config" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.edge.installation",
            ]
        },
    }
]

DATABASES = databases(os.environ)
DATABASE_ROUTERS: list[str] = []
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "config.User"
AUTHENTICATION_BACKENDS = [
    "config.access.backends.ContainerBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "admin:index"
LOGOUT_REDIRECT_URL = "account_login"
ANONYMOUS_USER_NAME = None
GUARDIAN_MONKEY_PATCH_USER = False
GUARDIAN_MONKEY_PATCH_GROUP = False

ALLAUTH_TRUSTED_PROXY_COUNT = 1 if TRUSTED_PROXIES else 0
ACCOUNT_ADAPTER = "config.access.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_PREVENT_ENUMERATION = True

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
FORMAT_MODULE_PATH = ["config.formats"]

STATIC_URL = "/static/"
STATIC_ROOT = VAR / "static"
STATICFILES_DIRS = [BASE_DIR / "config" / "standins"]  # for files of libraries
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
EXPORT_ROOT = VAR / "exports"

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "config_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

SESSION_COOKIE_SECURE = ENV.secure_cookies()
CSRF_COOKIE_SECURE = ENV.secure_cookies()
SESSION_ENGINE = "config.access.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 60 * 60
SECURE_SSL_REDIRECT = ENV.secure_cookies()
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if ENV.secure_cookies() else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = ENV.secure_cookies()
SECURE_HSTS_PRELOAD = ENV.secure_cookies()
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "config.apikit.pages.csrf_failed"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
# Alpine, on which the admin's theme stands, evaluates expressions; only the admin gets this.
# Its pickers open a form in a frame of the same origin.
ADMIN_CSP = {
    "script-src": ["'self'", "'unsafe-eval'"],
    "style-src": ["'self'", "'unsafe-inline'"],
    "frame-ancestors": ["'self'"],
}
# The API's documentation styles itself inline; its scripts come from files.
DOCS_CSP = {"style-src": ["'self'", "'unsafe-inline'"]}

DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "config.apikit.authentication.TokenAuthentication",
        "config.apikit.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["config.apikit.permissions.DeclaredAction"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["config.apikit.parsing.SoundJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "config.apikit.pagination.NewestFirst",
    "DEFAULT_FILTER_BACKENDS": ["config.apikit.filters.StrictFilterBackend"],
    "DEFAULT_THROTTLE_CLASSES": ["config.apikit.throttling.CallerThrottle"],
    "DEFAULT_SCHEMA_CLASS": "config.apikit.schema.Schema",
    "EXCEPTION_HANDLER": "config.apikit.problems.exception_handler",
    "PAGE_SIZE": 50,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "DATETIME_FORMAT": "iso-8601",
    "DEFAULT_METADATA_CLASS": None,
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Watchbill API",
    "DESCRIPTION": "Detect, command, escalate, review and evidence incidents.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENFORCE_NON_BLANK_FIELDS": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "POSTPROCESSING_HOOKS": [
        "config.apikit.schema_problems.describe_problems",
    ],
}

UNFOLD = ADMIN_THEME

SIMPLE_HISTORY_REVERT_DISABLED = True
SIMPLE_HISTORY_ENFORCE_HISTORY_MODEL_PERMISSIONS = False

Q_CLUSTER = {
    "name": "watchbill",
    "workers": 2,
    "recycle": 200,
    # A prefetched task waits for at most one other: retry must exceed both timeouts together.
    "timeout": 3600,
    "retry": 7500,
    "max_attempts": 3,
    "ack_failures": False,
    "save_limit": 0,
    "queue_limit": 1,
    "bulk": 1,
    "poll": 1,
    "catch_up": False,
    "orm": "default",
    "label": "Background jobs",
}

LOGGING_CONFIG = "config.logs.configure"
LOGGING = {"level": ENV.text("WATCHBILL_LOG_LEVEL") or "INFO"}

SILENCED_SYSTEM_CHECKS = [
    "auth.W004",  # user names are unique in any case, by the constraint user_username_unique
    "auth.W004",  # user names are unique in any case, by a constraint on lower(username)
    "guardian.W001",  # our own backend answers for containers; guardian's knows no inheritance
]
