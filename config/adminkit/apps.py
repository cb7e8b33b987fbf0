"""The admin as a Django app: our site is the default one."""

from django.contrib.admin.apps import AdminConfig


class WatchbillAdminConfig(AdminConfig):
    """Loads every app's `admin`, which loads its rooms'."""

    default_site = "config.adminkit.site.WatchbillSite"
