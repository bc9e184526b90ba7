CREATE TABLE IF NOT EXISTS page_view (
  hosted_website_id UUID,
  received_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
  path LowCardinality(String),
  utm_source LowCardinality(Nullable(String)),
  utm_medium LowCardinality(Nullable(String)),
  utm_campaign LowCardinality(Nullable(String)),
  utm_term LowCardinality(Nullable(String)),
  utm_content LowCardinality(Nullable(String)),
  referrer_host LowCardinality(Nullable(String)),
  referrer_path Nullable(String) CODEC(ZSTD(1)),
  device_type LowCardinality(Nullable(String)),
  screen_width Nullable(UInt16),
  session_id Nullable(String) CODEC(ZSTD(1)),
  browser LowCardinality(Nullable(String)),
  os LowCardinality(Nullable(String)),
  visitor_hash UUID,
  country LowCardinality(Nullable(String))
) ENGINE = MergeTree PARTITION BY toYYYYMM(received_at) ORDER BY (hosted_website_id, toDate(received_at), visitor_hash, received_at)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS bot_view (
  hosted_website_id UUID,
  received_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
  path LowCardinality(String),
  utm_source LowCardinality(Nullable(String)),
  utm_medium LowCardinality(Nullable(String)),
  utm_campaign LowCardinality(Nullable(String)),
  utm_term LowCardinality(Nullable(String)),
  utm_content LowCardinality(Nullable(String)),
  referrer_host LowCardinality(Nullable(String)),
  referrer_path Nullable(String) CODEC(ZSTD(1)),
  device_type LowCardinality(Nullable(String)),
  screen_width Nullable(UInt16),
  session_id Nullable(String) CODEC(ZSTD(1)),
  browser LowCardinality(Nullable(String)),
  os LowCardinality(Nullable(String)),
  visitor_hash UUID,
  country LowCardinality(Nullable(String)),
  reason LowCardinality(String)
) ENGINE = MergeTree PARTITION BY toYYYYMM(received_at) ORDER BY (hosted_website_id, toDate(received_at), visitor_hash, received_at)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS event (
  hosted_website_id UUID,
  received_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
  name LowCardinality(String),
  path LowCardinality(String),
  session_id Nullable(String) CODEC(ZSTD(1)),
  visitor_hash UUID,
  device_type LowCardinality(Nullable(String)),
  browser LowCardinality(Nullable(String)),
  os LowCardinality(Nullable(String)),
  country LowCardinality(Nullable(String)),
  properties Nullable(String) CODEC(ZSTD(1)),
  property_texts Map(String, String),
  revenue_amount Nullable(Decimal(18, 3)),
  revenue_currency LowCardinality(Nullable(String)),
  is_interactive Bool
) ENGINE = MergeTree PARTITION BY toYYYYMM(received_at) ORDER BY (hosted_website_id, toDate(received_at), visitor_hash, received_at)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS conversion (
  hosted_website_id UUID,
  visit_started_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
  session_key String CODEC(ZSTD(1)),
  name LowCardinality(String)
) ENGINE = MergeTree PARTITION BY toYYYYMM(visit_started_at) ORDER BY (hosted_website_id, visit_started_at)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS visit (
  hosted_website_id UUID,
  day Date,
  roll UInt64,
  started_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
  ended_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
  view_count UInt32,
  event_count UInt32,
  is_bounce Bool,
  seconds UInt32,
  entry_page LowCardinality(String),
  exit_page LowCardinality(String),
  utm_source LowCardinality(String),
  utm_medium LowCardinality(String),
  utm_campaign LowCardinality(String),
  utm_term LowCardinality(String),
  utm_content LowCardinality(String),
  referrer_host LowCardinality(String),
  referrer_path String,
  device_type LowCardinality(String),
  browser LowCardinality(String),
  os LowCardinality(String),
  country LowCardinality(String),
  channel LowCardinality(String),
  hashes Array(UUID),
  fact_kinds Array(UInt8),
  fact_hashes Array(UUID),
  fact_pages Array(LowCardinality(String)),
  fact_names Array(LowCardinality(String)),
  fact_properties Array(Map(String, String)),
  fact_amounts Array(Decimal(18, 3)),
  fact_currencies Array(LowCardinality(String))
) ENGINE = MergeTree PARTITION BY toYYYYMM(day) ORDER BY (hosted_website_id, day, roll)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS visit_day (
  hosted_website_id UUID,
  day Date,
  roll UInt64,
  version LowCardinality(String),
  last_hour UInt32,
  row_count UInt64,
  row_hash UInt32
) ENGINE = MergeTree PARTITION BY toYYYYMM(day) ORDER BY (hosted_website_id, day)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1;
