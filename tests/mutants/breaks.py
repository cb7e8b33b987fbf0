"""The breaks: what somebody might take out by mistake, and the test that must turn red."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Break:
    """One line of one file, replaced. `old` stands there exactly once."""

    name: str
    file: str
    old: str
    new: str
    test: str


BREAKS = (
    Break(
        "an acknowledgement takes no lock",
        "incidents/lifecycle/operations/acknowledging.py",
        "    lock(incident)\n",
        "    incident.refresh_from_db()\n",
        "tests/incidents/lifecycle/test_races.py"
        "::test_lets_one_of_many_acknowledgements_be_the_first",
    ),
    Break(
        "nothing is read again before a page is sent",
        "escalation/paging/telling.py",
        "    if page is None or (reason := needless(page)):\n",
        '    if page is None or (reason := ""):\n',
        "tests/escalation/paging/test_delivering.py"
        "::test_is_not_sent_when_somebody_acknowledges_between_claim_and_send",
    ),
    Break(
        "evidence gets no trigger that appends to the ledger",
        "config/audit/install.py",
        "    wanted = [triggers.appending(each, *_column_set(cursor, each, sets))"
        " for each in evidence]\n",
        "    wanted: list[triggers.Trigger] = []\n",
        "tests/architecture/test_tracking.py::test_guard_every_table_of_evidence",
    ),
    Break(
        "evidence gets no trigger that refuses changes",
        "config/audit/install.py",
        "    wanted += triggers.refusing(each.name for each in evidence)\n",
        "    wanted += triggers.refusing(())\n",
        "tests/config/audit/test_install.py::test_refuses_to_change_evidence_even_for_the_owner",
    ),
    Break(
        "every row has the same salt",
        "config/audit/sql/functions.sql",
        "               uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) AS salt,\n",
        "               sha256('salt'::bytea) AS salt,\n",
        "tests/config/audit/test_salts.py",
    ),
    Break(
        "a signing key signs on after it was succeeded",
        "config/audit/succession.py",
        "        return [key for key, until in self._reigns if until is None or size <= until]\n",
        "        return [key for key, until in self._reigns if until is None or size]\n",
        "tests/config/audit/test_rotation.py"
        "::test_finds_every_checkpoint_that_an_old_key_signed_after_its_time",
    ),
    Break(
        "new entries are not queued for sealing",
        "config/audit/sql/functions.sql",
        "    INSERT INTO @schema@.audit_unsealed (seq) SELECT seq FROM written;\n",
        "    INSERT INTO @schema@.audit_unsealed (seq) SELECT seq FROM written WHERE false;\n",
        "tests/config/audit/test_sealing.py::test_signs_the_root_and_publishes_it_after_the_commit",
    ),
    Break(
        "closing asks no guard",
        "incidents/lifecycle/operations/transitions.py",
        "    if found:\n",
        '    if found and verb != "close":\n',
        "tests/postmortems/reviews/test_decide.py::test_refuses_to_close_before_the_review",
    ),
    Break(
        "visible_to shows everything",
        "config/access/visibility.py",
        "    return _either(inherited & tie.is_unrestricted(), admitted)\n",
        "    return _EVERYTHING\n",
        "tests/access/test_stranger.py::test_shows_a_stranger_nothing_in_any_list",
    ),
    Break(
        "restricted records are seen by their team",
        "config/access/visibility.py",
        "    return _either(inherited & tie.is_unrestricted(), admitted)\n",
        "    return _either(inherited, admitted)\n",
        "tests/access/test_restricted.py::test_shows_in_no_list_of_the_api",
    ),
    Break(
        "filters of lists offer what the visitor may not see",
        "config/adminkit/filters.py",
        '        rows = visible_rows(field.remote_field.model, request).order_by("pk")\n',
        '        rows = field.remote_field.model._base_manager.order_by("pk")\n',
        "tests/access/test_stranger.py::test_shows_a_stranger_nothing_on_any_page",
    ),
    Break(
        "an ended lease still does its row",
        "config/due/leases.py",
        "    return model.objects.open().filter(pk=lease.pk, token=lease.token)\n",
        "    return model.objects.open().filter(pk=lease.pk)\n",
        "tests/config/due/test_sending.py::test_marks_nothing_once_the_lease_is_lost",
    ),
    Break(
        "messages are settled whose lease was lost",
        "config/due/settling.py",
        "    WHERE row.id = mine.id AND row.token = mine.token\n",
        "    WHERE row.id = mine.id\n",
        "tests/config/due/test_sending.py::test_marks_nothing_once_the_lease_is_lost",
    ),
    Break(
        "a batch does rows whose lease was lost",
        "config/due/leases.py",
        "        WHERE id = %s AND token = %s AND done_at IS NULL AND dead_at IS NULL"
        " RETURNING id\n",
        "        WHERE id = %s AND %s::uuid IS NOT NULL AND done_at IS NULL AND dead_at IS NULL"
        " RETURNING id\n",
        "tests/config/due/test_batches.py::test_leaves_alone_what_another_worker_has_taken_over",
    ),
    Break(
        "a lock of somebody else uses up a row's attempts",
        "config/due/leases.py",
        '        token=None, next_at=after(seconds), attempts=models.F("attempts") - 1,'
        " last_error=why\n",
        "        token=None, next_at=after(seconds), last_error=why\n",
        "tests/config/due/test_batches.py::test_never_gives_up_a_row_whose_record_stays_locked",
    ),
    Break(
        "authors approve their own policies",
        "config/governance/operations.py",
        "    return version.pk in own_among([version], actor)\n",
        "    return False\n",
        "tests/config/governance/test_life.py::test_refuses_approval_by_the_author",
    ),
    Break(
        "facilitators publish their own reviews",
        "postmortems/reviews/operations.py",
        "    if review.facilitator_id == actor.pk:\n",
        "    if review.facilitator_id is None:\n",
        "tests/postmortems/reviews/test_decide.py::test_is_published_by_a_second_person",
    ),
    Break(
        "tools acknowledge",
        "incidents/lifecycle/operations/acknowledging.py",
        "    if not actor.is_person:\n",
        "    if actor.pk is None:\n",
        "tests/incidents/lifecycle/test_acknowledge.py::test_is_for_people",
    ),
    Break(
        "a token is known by its beginning",
        "config/apikit/authentication.py",
        "    token = _TOKEN.get(ApiToken.digest_of(secret)) if _shaped(secret) else None\n",
        "    token = ApiToken.objects.filter(hint=secret[:12]).first()\n",
        "tests/access/test_keys.py::test_a_token_that_only_begins_like_one_opens_nothing",
    ),
    Break(
        "a revoked token goes on",
        "config/apikit/authentication.py",
        "    if token.revoked_at is not None:\n",
        "    if token.revoked_at is None and token.expires_at == token.created_at:\n",
        "tests/config/apikit/test_tokens.py::test_refuses_from_the_next_request_after_revocation",
    ),
    Break(
        "one key of idempotency is answered by many at once",
        "config/apikit/idempotency.py",
        "    _lock(digest)\n",
        "",
        "tests/config/apikit/test_idempotency.py::test_refuses_while_the_first_is_running",
    ),
    Break(
        "pages go out without a content security policy",
        "config/settings.py",
        '    "csp.middleware.CSPMiddleware",\n',
        "",
        "tests/access/test_keys.py"
        "::test_the_page_behind_a_link_runs_nothing_and_is_framed_by_nobody",
    ),
    Break(
        "opening the link of a page acknowledges",
        "escalation/paging/views.py",
        "    return _show(request, page)\n\n\ndef _act",
        "    return acknowledge_by_link(page) or _show(request, page)\n\n\ndef _act",
        "tests/escalation/paging/test_page_link.py::test_changes_nothing_when_it_is_only_opened",
    ),
    Break(
        "the link of a page works for ever",
        "escalation/paging/operations.py",
        "    return page.expires_at <= clock.now() or not page.responder.is_active\n",
        "    return not page.responder.is_active\n",
        "tests/escalation/paging/test_page_link.py",
    ),
    Break(
        "a resolve is believed at once",
        "incidents/alerts/clearing.py",
        "    if not hold or incident is None:\n",
        "    if hold or incident is None:\n",
        "tests/incidents/alerts/test_clearing.py::test_waits_for_the_hold_before_it_resolves",
    ),
    Break(
        "secrets are stored as they came",
        "incidents/alerts/redaction.py",
        "    body = _without_values(body)\n",
        "    return body\n",
        "tests/incidents/alerts/test_redaction.py",
    ),
    Break(
        "an accepted alert may be lost in a crash",
        "incidents/alerts/storing.py",
        '    await connection.execute("SET synchronous_commit TO on")\n',
        "",
        "tests/access/test_keys.py"
        "::test_an_accepted_body_survives_a_crash_whatever_the_servers_default",
    ),
    Break(
        "a form overwrites what somebody saved meanwhile",
        "config/adminkit/forms.py",
        '        if self.cleaned_data.get("seen_revision") != stored:\n',
        "        if stored is None:\n",
        "tests/config/adminkit/test_operation_forms.py::test_refuses_a_form_older_than_the_record",
    ),
    Break(
        "a change needs no version that the caller has seen",
        "config/apikit/versions.py",
        '    if "*" not in tags and current not in tags:\n',
        "    if not tags:\n",
        "tests/config/apikit/test_versions.py::test_changes_nothing_without_the_current_version",
    ),
    Break(
        "a stopped worker keeps its source for ever",
        "incidents/alerts/processing.py",
        '    bound = f"{settings.LEASE_SECONDS * 1000:.0f}"\n',
        '    bound = "0"\n',
        "tests/survival/test_stopped.py",
    ),
    Break(
        "the database's trouble uses up a payload's attempts",
        "incidents/alerts/processing.py",
        "        _forget_attempt(payloads)\n",
        "",
        "tests/incidents/alerts/test_processing.py"
        "::test_leaves_a_payload_where_it_is_when_the_database_has_trouble",
    ),
    Break(
        "what an earlier worker parked stays parked",
        "config/due/parking.py",
        "    found = sum(_adopt(row) for row in _known())\n",
        "    found = 0\n",
        "tests/config/due/test_parking.py",
    ),
    Break(
        "a worker of the release before can write no row",
        "config/audit/install.py",
        "        defaults.install(cursor)\n",
        "",
        "tests/config/audit/test_defaults.py::test_fills_a_column_that_the_row_leaves_out",
    ),
    Break(
        "a page comes an hour late when the database's clock is set back",
        "config/due/advancing.py",
        "    return rows.filter(created_at__gt=Now()).update(\n",
        "    return rows.none().update(\n",
        "tests/config/due/test_advancing.py",
    ),
    Break(
        "a worker goes by a wrong clock of its machine",
        "config/clock.py",
        "    return wall if abs(wall - reckoned) < TOLERANCE else reckoned\n",
        "    return wall\n",
        "tests/survival/test_clocks.py",
    ),
    Break(
        "an export fails for good when its connection is cut",
        "compliance/evidence/exporting.py",
        "            if is_away(error):\n",
        "            if False:\n",
        "tests/compliance/evidence/test_exports.py"
        "::test_is_begun_again_when_its_connection_was_cut",
    ),
    Break(
        "a row that breaks a check is called sound",
        "config/audit/checking.py",
        "            if checks and not whole.check(fields, using=using):\n",
        "            if False:\n",
        "tests/config/audit/test_checking.py::test_says_each_that_does_not_hold",
    ),
    Break(
        "who was let in once stays in",
        "config/access/sessions.py",
        "(session_key=key, expire_date__gt=Now())",
        "(session_key=key)",
        "tests/security/test_sessions.py::test_ends_after_its_time",
    ),
)
