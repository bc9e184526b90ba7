-- The tables of the contenders other than the service. They are as simple as possible: the fields of a request as sent, with its
-- time and its website.
CREATE TABLE peer_site (
  website_config_id uuid NOT NULL,
  hosted_website_id uuid NOT NULL,
  tracking_token uuid NOT NULL
);
CREATE TABLE peer_page_view (
  hosted_website_id uuid NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  page_path text NOT NULL,
  device_type text,
  referrer text,
  screen_width integer,
  session_id text
);
CREATE INDEX ON peer_page_view (hosted_website_id, received_at);
CREATE TABLE peer_submission (
  submission_id uuid PRIMARY KEY,
  website_config_id uuid NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  email text,
  page_slug text,
  form_data json NOT NULL
);
CREATE INDEX ON peer_submission (website_config_id, received_at);
