"""Tables of the sealed ledger. None has a foreign key to another, so that what is gone is missed.

Only the database's own triggers write the ledger, its salts and its queue, and only the sealer
writes leaves and checkpoints (`docs/threat-model.md` says what each role may do).
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from config.audit.tracking import AppendOnly


class ColumnSet(models.Model):
    """The columns that an entry's hash covers; a migration that adds one begins a new number."""

    table_name = models.CharField(max_length=63)
    number = models.PositiveIntegerField()
    columns = ArrayField(models.CharField(max_length=63))

    class Meta:
        db_table = "audit_column_set"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["table_name", "number"], name="audit_column_set_number")
        ]

    def __str__(self) -> str:
        return f"{self.table_name} {self.number}"


class LedgerEntry(models.Model):
    """One sealed row: where it stands, and the SHA-256 of its salt and canonical text."""

    seq = models.BigAutoField(primary_key=True)
    table_name = models.CharField(max_length=63)
    row_key = models.TextField()
    column_set = models.PositiveIntegerField()
    hash = models.BinaryField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "audit_ledger"
        default_permissions = ()
        verbose_name_plural = "ledger entries"
        constraints = [
            models.UniqueConstraint(
                fields=["table_name", "row_key"], name="audit_ledger_one_entry_a_row"
            )
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.table_name} {self.row_key}"


class Salt(models.Model):
    """The secret that keeps a hash from being guessed; purged together with its row."""

    seq = models.BigIntegerField(primary_key=True)
    salt = models.BinaryField()

    class Meta:
        db_table = "audit_salt"
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.seq)


class Unsealed(models.Model):
    """The queue of entries that have no leaf yet."""

    seq = models.BigIntegerField(primary_key=True)

    class Meta:
        db_table = "audit_unsealed"
        default_permissions = ()
        verbose_name_plural = "unsealed"

    def __str__(self) -> str:
        return str(self.seq)


class Leaf(models.Model):
    """An entry's place in the Merkle tree, gap-free from 0, given after its commit."""

    index = models.BigIntegerField(primary_key=True)
    seq = models.BigIntegerField(unique=True)
    hash = models.BinaryField()

    class Meta:
        db_table = "audit_leaf"
        default_permissions = ()
        verbose_name_plural = "leaves"

    def __str__(self) -> str:
        return str(self.index)


class Checkpoint(models.Model):
    """A signed statement of the tree's size and root; `id` is gap-free from 1."""

    id = models.BigIntegerField(primary_key=True)
    origin = models.CharField(max_length=200)
    size = models.BigIntegerField(unique=True)
    root = models.BinaryField()
    note = models.TextField()
    frontier = ArrayField(models.BinaryField())
    key_id = models.CharField(max_length=8)
    sealed_at = models.DateTimeField()

    class Meta:
        db_table = "audit_checkpoint"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.origin} {self.size}"


class LogOrigin(AppendOnly):
    """The log's name. A restore begins another, and names the last checkpoint known outside."""

    name = models.CharField(max_length=200, unique=True)
    previous_note = models.TextField(blank=True)
    began_at_size = models.BigIntegerField(default=0)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "audit_origin"
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


class SigningKey(AppendOnly):
    """A key that succeeded another: a statement of both public keys, signed by both."""

    key_id = models.CharField(max_length=8)
    public_key = models.BinaryField()
    statement = models.TextField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "audit_signing_key"
        default_permissions = ()

    def __str__(self) -> str:
        return self.key_id


class GrantChange(AppendOnly):
    """A change of guardian's own tables, which must change: written by their triggers."""

    table_name = models.CharField(max_length=63)
    op = models.CharField(max_length=8)
    row = models.JSONField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "audit_grant_change"
        default_permissions = ()
        indexes = [models.Index(fields=["at"], name="audit_grant_change_at")]

    def __str__(self) -> str:
        return f"{self.op} {self.table_name}"


class PurgeBatch(AppendOnly):
    """An approved purge: `scope` names every row that may go, as {table: [row key, ...]}."""

    reason = models.TextField()
    legal_basis = models.TextField()
    scope = models.JSONField()
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_constraint=False
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_constraint=False
    )
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "audit_purge_batch"
        default_permissions = ()
        verbose_name_plural = "purge batches"
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(requested_by=models.F("approved_by")),
                name="audit_purge_batch_four_eyes",
                violation_error_message="Somebody else has to approve the purge.",
                violation_error_code="four_eyes",
            )
        ]

    def __str__(self) -> str:
        return f"purge {self.pk}"


class Tombstone(AppendOnly):
    """What remains of a purged row: which entry it was, and the batch that allowed it."""

    batch_id = models.BigIntegerField()
    table_name = models.CharField(max_length=63)
    row_key = models.TextField()
    seq = models.BigIntegerField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "audit_tombstone"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["table_name", "row_key"], name="audit_tombstone_once")
        ]

    def __str__(self) -> str:
        return f"{self.table_name} {self.row_key}"
