/**
 * The migrations of websites, problems, and who may reach what: owner keys, sessions, shares and people.
 *
 * @module
 */
import { statements } from "../Statements.ts"

const roles = "CHECK (role IN ('viewer', 'member', 'owner'))"

export const migrations = {
  /** The keys of the owner API and the websites that they reach. A key for all websites has no rows in `owner_key_site`. */
  "0008_owner_keys": statements(
    `CREATE TABLE owner_key (
    key_id uuid PRIMARY KEY,
    key_sha256 bytea NOT NULL UNIQUE CHECK (octet_length(key_sha256) = 32),
    scope text NOT NULL CHECK (scope IN ('stats', 'read', 'write')),
    all_sites boolean NOT NULL,
    label text,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz
  )`,
    `CREATE TABLE owner_key_site (
    key_id uuid NOT NULL REFERENCES owner_key ON DELETE CASCADE,
    website_config_id uuid NOT NULL REFERENCES site ON DELETE CASCADE,
    PRIMARY KEY (key_id, website_config_id)
  )`,
    "CREATE INDEX owner_key_site_website ON owner_key_site (website_config_id)"
  ),

  /**
   * The sessions of the console and the websites that they reach. A row begins as a link, and becomes a session when the link is
   * opened, which sets `opened_at`. A session for all websites has no rows in `console_session_site`.
   */
  "0012_console_sessions": statements(
    `CREATE TABLE console_session (
    session_id uuid PRIMARY KEY,
    link_sha256 bytea NOT NULL UNIQUE CHECK (octet_length(link_sha256) = 32),
    cookie_sha256 bytea UNIQUE CHECK (octet_length(cookie_sha256) = 32),
    role text NOT NULL CHECK (role IN ('viewer', 'owner')),
    all_sites boolean NOT NULL,
    label text,
    created_at timestamptz NOT NULL,
    link_expires_at timestamptz NOT NULL,
    opened_at timestamptz,
    last_used_at timestamptz,
    CHECK (num_nulls(cookie_sha256, opened_at, last_used_at) IN (0, 3))
  )`,
    `CREATE TABLE console_session_site (
    session_id uuid NOT NULL REFERENCES console_session ON DELETE CASCADE,
    website_config_id uuid NOT NULL REFERENCES site ON DELETE CASCADE,
    PRIMARY KEY (session_id, website_config_id)
  )`,
    "CREATE INDEX console_session_site_website ON console_session_site (website_config_id)"
  ),

  /** When the last `site.limit` event of a website was written, so that each website gets at most one per hour. */
  "0014_limit_events": statements(`ALTER TABLE site ADD COLUMN limit_event_at timestamptz`),

  /** The shares of dashboards, with the digests of their secrets. A revoked share has no row. */
  "0022_shares": statements(
    `CREATE TABLE share (
    share_id uuid PRIMARY KEY,
    secret_sha256 bytea NOT NULL UNIQUE CHECK (octet_length(secret_sha256) = 32),
    website_config_id uuid NOT NULL REFERENCES site ON DELETE CASCADE,
    label text,
    created_at timestamptz NOT NULL,
    expires_at timestamptz
  )`,
    "CREATE INDEX share_website ON share (website_config_id)"
  ),

  /**
   * `issued_by` is the console session or the key that issued an owner key. `created_by` is the one that created a link to the
   * console. Both are null if the command line did, and in rows older than these columns. They are not foreign keys, because they
   * refer to two tables.
   */
  "0024_issuers": statements(
    "ALTER TABLE owner_key ADD COLUMN issued_by uuid",
    "CREATE INDEX owner_key_issued_by ON owner_key (issued_by) WHERE issued_by IS NOT NULL",
    "ALTER TABLE console_session ADD COLUMN created_by uuid"
  ),

  /** Indexes for the lists of keys and console sessions, and for the links that a key or session created. */
  "0033_credential_lists": statements(
    "CREATE INDEX owner_key_created ON owner_key (created_at, key_id)",
    "CREATE INDEX owner_key_unrevoked ON owner_key (created_at, key_id) WHERE revoked_at IS NULL",
    "CREATE INDEX console_session_created ON console_session (created_at, session_id) WHERE link_expires_at > to_timestamp(0)",
    "CREATE INDEX console_session_created_by ON console_session (created_by) WHERE created_by IS NOT NULL"
  ),

  /**
   * What the problems of a website are found from, besides what was stored before.
   *
   * `refusal` counts refused requests by what was refused: `subject` is the origin of a page, or the `page_slug` of a form with the
   * `field` whose rule refused; it is empty if there is none, and for those beyond the maximum of a day. No value of a visitor is in
   * it. `agent_failure` has the questions that an agent did not answer since its last answer, and the reason of the last one.
   */
  "0044_problems": statements(
    `CREATE TABLE refusal (
    website_config_id uuid NOT NULL REFERENCES site ON DELETE CASCADE,
    day date NOT NULL,
    reason text NOT NULL,
    subject text COLLATE "C" NOT NULL,
    field text COLLATE "C" NOT NULL,
    times bigint NOT NULL CHECK (times > 0),
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (website_config_id, day, reason, subject, field)
  )`,
    `CREATE TABLE agent_failure (
    instance_id uuid NOT NULL REFERENCES instance ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('failed', 'tokens-used')),
    times bigint NOT NULL CHECK (times > 0),
    since timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (instance_id, kind)
  )`
  ),

  /**
   * People: their addresses, names, and roles for one website or, without `website_config_id`, for all. `granted_by` is the session
   * or the key that created the invitation; null if the command line did.
   *
   * A session of a person has no role or websites of its own, and a link with `email` creates its person when it is opened. From
   * now on `link_expires_at` is also the time at which an open session ends unless it is used: `SESSION_IDLE` after its last use.
   */
  "0045_people": statements(
    `CREATE TABLE person (
    person_id uuid PRIMARY KEY,
    email text NOT NULL,
    name text,
    created_at timestamptz NOT NULL
  )`,
    "CREATE UNIQUE INDEX person_email ON person (lower(email))",
    "CREATE INDEX person_created ON person (created_at, person_id)",
    `CREATE TABLE person_role (
    person_id uuid NOT NULL REFERENCES person ON DELETE CASCADE,
    website_config_id uuid REFERENCES site ON DELETE CASCADE,
    role text NOT NULL ${roles},
    granted_by uuid,
    UNIQUE NULLS NOT DISTINCT (person_id, website_config_id)
  )`,
    "CREATE INDEX person_role_site ON person_role (website_config_id)",
    "CREATE INDEX person_role_granted_by ON person_role (granted_by) WHERE granted_by IS NOT NULL",
    `ALTER TABLE console_session
    DROP CONSTRAINT console_session_role_check, ADD CONSTRAINT console_session_role_check ${roles},
    ALTER COLUMN role DROP NOT NULL,
    ADD COLUMN person_id uuid REFERENCES person ON DELETE SET NULL,
    ADD COLUMN email text,
    ADD COLUMN device text`,
    "CREATE INDEX console_session_person ON console_session (person_id) WHERE person_id IS NOT NULL",
    "UPDATE console_session SET link_expires_at = last_used_at + interval '30 days' WHERE opened_at IS NOT NULL"
  ),

  /**
   * A shared dashboard shows exact numbers or protected ones, and can have a password: its salt and its hash
   * (`sites/access/SharePassword`).
   */
  "0050_share_numbers": statements(
    "ALTER TABLE share ADD COLUMN numbers text NOT NULL DEFAULT 'protected' CHECK (numbers IN ('protected', 'exact'))",
    "ALTER TABLE share ADD COLUMN password bytea"
  ),

  /**
   * Whether a mail has reached the address of a person. `person.confirmed_at` is when the first mailed link was opened: an invitation,
   * or a link to log in (`console_session.is_mailed`). It is null for the people of earlier versions, because theirs is not known, until
   * they log in by mail. An address that is confirmed like this needs no confirmation as a recipient of mails; the index finds those that
   * wait.
   */
  "0059_confirmed_people": statements(
    "ALTER TABLE person ADD COLUMN confirmed_at timestamptz",
    "ALTER TABLE console_session ADD COLUMN is_mailed boolean NOT NULL DEFAULT false",
    "CREATE INDEX notification_unconfirmed ON notification (lower(recipient)) WHERE NOT is_confirmed"
  )
}
