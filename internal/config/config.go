// Package config reads the configuration of the whole engine: defaults, then a YAML file, then the environment, then
// flags, each overriding the one before. A key or a value that is wrong stops the start and is named with its place.
//
// The struct tags are the one description of every key: its name, what it is for, and what it may be. The defaults stand
// in Default.
package config

import (
	"time"

	"github.com/weirhq/weir/topics"
)

// Config is the configuration of every role.
type Config struct {
	DataDir string   `key:"data_dir" validate:"required" doc:"Directory of the embedded broker and database and of what they need."`
	Region  string   `key:"region" validate:"max=32" doc:"Region that records of this installation carry, and whose rules and limits it serves. Commands and customer events that name none are of it; those that name another are refused. Empty: what a record names decides."`
	Roles   []string `key:"roles" validate:"unique,dive,oneof=risk velocity payments psp webhooks statements checkpoints api sandbox" doc:"Roles that this process runs: risk, velocity, payments, psp, webhooks, statements, checkpoints, api, sandbox. Empty: all but sandbox, and sandbox too where nothing but embedded parts is used."`

	Log       Log            `key:"log"`
	Kafka     Kafka          `key:"kafka"`
	Database  Database       `key:"database"`
	API       API            `key:"api"`
	Risk      Risk           `key:"risk"`
	Velocity  Velocity       `key:"velocity"`
	PSP       map[string]PSP `key:"psp" validate:"dive,keys,psp_name,endkeys"`
	Webhooks  Webhooks       `key:"webhooks"`
	Payments  Payments       `key:"payments"`
	Payouts   Payouts        `key:"payouts"`
	Links     Links          `key:"links"`
	Customers Customers      `key:"customers"`
	Ledger    Ledger         `key:"ledger"`
	Stream    Stream         `key:"stream"`
	Sandbox   Sandbox        `key:"sandbox"`
}

// Log is how the process logs.
type Log struct {
	Level  string `key:"level" validate:"oneof=debug info warn error" doc:"Least severe level that is written: debug, info, warn or error."`
	Format string `key:"format" validate:"oneof=auto json text" doc:"json, one record a line; text, where what has several lines follows its record; or auto: text on a terminal, json elsewhere."`
}

// Kafka is how to reach the broker.
type Kafka struct {
	Brokers      []string  `key:"brokers" validate:"dive,hostname_port" doc:"Seed brokers, host:port. Empty: an embedded broker, for development."`
	ClientID     string    `key:"client_id" validate:"required,max=128" doc:"Client id that brokers see."`
	Partitions   int32     `key:"partitions" validate:"gte=0,lte=32767" doc:"Partitions of every topic, fixed for their life. 0: 4 embedded, 64 on a cluster."`
	Replication  int16     `key:"replication" validate:"gte=-1,ne=0" doc:"Replicas of every topic; -1: the cluster's default."`
	EmbeddedPort int       `key:"embedded_port" validate:"gte=0,lte=65535" doc:"Port of the embedded broker on 127.0.0.1; 0: any free one."`
	EmbeddedSync bool      `key:"embedded_fsync" doc:"The embedded broker flushes every write to disk before it acknowledges it. Off, flushing is left to the operating system, as Kafka does by default: faster, and safe against the death of the process but not against the loss of power."`
	TLS          KafkaTLS  `key:"tls"`
	SASL         KafkaSASL `key:"sasl"`
}

// KafkaTLS is how connections to brokers are secured.
type KafkaTLS struct {
	Enabled     bool   `key:"enabled" doc:"Connect with TLS."`
	CA          string `key:"ca" validate:"omitempty,file" doc:"PEM file of the authorities that sign the brokers' certificates. Empty: the system's."`
	Certificate string `key:"certificate" validate:"omitempty,file" doc:"PEM file of our certificate."`
	Key         string `key:"key" validate:"required_with=Certificate,omitempty,file" doc:"PEM file of its key."`
}

// KafkaSASL is how we authenticate with brokers.
type KafkaSASL struct {
	Mechanism string `key:"mechanism" validate:"omitempty,oneof=PLAIN SCRAM-SHA-256 SCRAM-SHA-512" doc:"PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, or empty for none."`
	User      string `key:"user" validate:"required_with=Mechanism" doc:"User name."`
	Password  Secret `key:"password" validate:"required_with=Mechanism" doc:"Password."`
}

// Database is how to reach CockroachDB or PostgreSQL.
type Database struct {
	URL          DSN    `key:"url" validate:"omitempty,dsn" doc:"postgres:// URL of CockroachDB or PostgreSQL. Empty: an embedded one, for development."`
	Password     Secret `key:"password" doc:"Password, where it is not part of the URL."`
	MaxConns     int32  `key:"max_conns" validate:"gte=2,lte=1000" doc:"Most connections that this process holds."`
	EmbeddedPort int    `key:"embedded_port" validate:"gte=0,lte=65535" doc:"Port of the embedded database on 127.0.0.1; 0: any free one."`
}

// API is the HTTP server.
type API struct {
	Listen        string        `key:"listen" validate:"hostport" doc:"Address of the HTTP server, host:port: API, webhooks, /healthz, /readyz and /metrics. A process without the role api listens here, too, for the last three alone."`
	Keys          []APIKey      `key:"keys" validate:"unique=Name,dive"`
	MaxBodyBytes  Bytes         `key:"max_body_bytes" validate:"gte=1024,lte=524288" doc:"Largest body of a request."`
	Wait          time.Duration `key:"wait" validate:"gte=0,lte=30s" doc:"How long a write waits for its result before it answers 202."`
	ProduceWithin time.Duration `key:"produce_within" validate:"gte=1s,lte=30s" doc:"How long a command may take to become durable before the write fails."`
	Rate          int           `key:"rate" validate:"gte=1" doc:"Requests per second of each API key."`
	Burst         int           `key:"burst" validate:"gte=1" doc:"Requests above the rate that are let through at once."`
	Idempotency   Idempotency   `key:"idempotency"`
}

// APIKey lets one caller act for one tenant.
type APIKey struct {
	Name   string `key:"name" validate:"required,label" doc:"Who calls: for logs, limits, and as the approver of what the key approves."`
	Tenant string `key:"tenant" validate:"required,label" doc:"Tenant that the key acts for."`
	Key    Secret `key:"key" validate:"required,min=16" doc:"The key that the caller sends."`

	Approver     bool `key:"approver" doc:"The key may approve: review held payments, let pass what rules hold of refunds and wallet commands, send adjustments, erase customers, and approve edits of lists. Give it to people, each with a key of their own, and not to a shop's server."`
	PersonalData bool `key:"personal_data" doc:"The key may read what tells who customers are: names, birth date, address, occupation, source of funds. Without it such fields are named and not shown."`
}

// Idempotency is how long idempotency keys live.
type Idempotency struct {
	Keep          time.Duration `key:"keep" validate:"gte=720h" doc:"Age at which idempotency keys are deleted; not less than a command id is remembered."`
	TakeOverAfter time.Duration `key:"take_over_after" validate:"gte=1s" doc:"Age at which a key whose first request was never answered may be used by a repeat; at least wait + produce_within."`
}

// Risk is the rule set, and the data files that fill fields of it.
type Risk struct {
	Rules        string `key:"rules" validate:"omitempty,path" doc:"Rule file, or directory of rule files. Empty: the built-in example."`
	Candidate    string `key:"candidate_rules" validate:"omitempty,path" doc:"Rule file, or directory of rule files, of a set on trial: evaluated beside the live one, recorded and counted, never deciding. With rules_from: topic the candidate is deployed instead. Empty: there is none."`
	RulesFrom    string `key:"rules_from" validate:"oneof=files topic" doc:"Where the rule set comes from: files, those of risk.rules, taken up when they change; or topic, what weir rules deploy has put into risk.rules.v1, so that all processes change over together. Until anything was deployed, topic means the files, too."`
	FourEyes     bool   `key:"rules_four_eyes" doc:"A rule set that is deployed decides only once a second person has approved it."`
	Routing      string `key:"routing" validate:"omitempty,path" doc:"Routing file: which PSPs are asked for an authorisation, in which order. A changed file is taken up while weir runs; one with a mistake never is. Empty: payments.psp is asked, and no other."`
	GeoIPASN     string `key:"geoip_asn" doc:"Database of networks in MaxMind's format (.mmdb), such as GeoLite2-ASN: fills ip.asn. A changed file is taken up while weir runs. Empty: the field is missing."`
	GeoIPCountry string `key:"geoip_country" doc:"Database of countries or cities in MaxMind's format (.mmdb), such as GeoLite2-Country: fills ip.country. A changed file is taken up while weir runs. Empty: the field is missing."`
	BINTable     string `key:"bin_table" doc:"CSV file of BIN ranges, as rules/README.md describes it: fills bin.scheme, bin.country and the others. A changed file is taken up while weir runs. Empty: the fields are missing."`
}

// Velocity is what is counted for the rules.
type Velocity struct {
	Within     time.Duration `key:"within" validate:"gte=10ms,lte=30s" doc:"How long risk waits for an answer; after that it is missing, and the rules' on_missing decides."`
	Skew       time.Duration `key:"skew" validate:"gte=0,lte=24h" doc:"How far the time of an event may lie before that of its record; an earlier one is taken as that much before. The same in all processes."`
	ReplyBytes Bytes         `key:"reply_bytes" validate:"gte=1048576,lte=1073741824" doc:"What each partition keeps of its latest answers, for signals that come again after a crash. The same in all processes."`
	Keep       time.Duration `key:"keep" validate:"gte=1h,lte=2160h" doc:"How long after an attempt its outcomes still count: approvals, declines, refunds. The same in all processes."`
	Flush      time.Duration `key:"flush" validate:"gte=10ms,lte=1m" doc:"Between two commits of what a partition counted; after a crash that much is counted again, to the same answers."`
}

// PSP is one payment service provider.
type PSP struct {
	Adapter         string        `key:"adapter" validate:"required,oneof=sandbox stripe adyen generic" doc:"Protocol that it speaks: sandbox, stripe, adyen, or generic, which a file describes."`
	BaseURL         string        `key:"base_url" validate:"omitempty,http_url" doc:"Where its API is. Empty: the adapter's own, which only stripe has."`
	Secret          Secret        `key:"secret" doc:"API key that we send; stripe and adyen need one."`
	MerchantAccount string        `key:"merchant_account" validate:"max=80" doc:"Adyen: the merchant account that payments are made for."`
	Definition      string        `key:"definition" doc:"Generic: the YAML file that describes its protocol, as docs/psps.md says. It is read at the start."`
	Webhook         Webhook       `key:"webhook"`
	Timeout         time.Duration `key:"timeout" validate:"gte=100ms,lte=5m" doc:"How long one call may take; after that its outcome is unknown and is polled."`
	Concurrency     int           `key:"concurrency" validate:"gte=1,lte=10000" doc:"Calls under way at a time."`

	OverCapturePercent int64 `key:"over_capture_percent" validate:"gte=0,lte=100" doc:"How many percent more than is authorised the last capture of a payment may take, where the PSP tells that it can; adyen cannot."`
}

// Payments are the times in the life of a payment. One that exists keeps what it was given when they change.
type Payments struct {
	PSP              string        `key:"psp" doc:"PSP that authorisations go to. Empty: the only one."`
	CreatedTTL       time.Duration `key:"created_ttl" validate:"gte=1s" doc:"After which a payment that nobody authorised expires."`
	HeldTTL          time.Duration `key:"held_ttl" validate:"gte=1s" doc:"After which a held payment or payout that nobody reviewed expires."`
	ChallengeTTL     time.Duration `key:"challenge_ttl" validate:"gte=1s" doc:"After which a 3-D Secure challenge that nobody finished expires."`
	ReviewTTL        time.Duration `key:"review_ttl" validate:"gte=1s" doc:"After which an authorised payment whose review by the rules has not come is held for a reviewer."`
	AuthorizationTTL time.Duration `key:"authorization_ttl" validate:"gte=1s" doc:"After which what is authorised and not captured expires."`
	RequestTTL       time.Duration `key:"request_ttl" validate:"gte=1s" doc:"In which an authorisation is sent to the PSP or never."`
	FollowTTL        time.Duration `key:"follow_ttl" validate:"gte=1s" doc:"In which a capture, void, refund or payout is sent to the PSP or never."`
	PollGrace        time.Duration `key:"poll_grace" validate:"gte=0" doc:"After these, how long a request may still be on its way before \"not found\" proves that it was not performed."`
	PollAfter        time.Duration `key:"poll_after" validate:"gte=10ms" doc:"Before the first poll of an unknown outcome; each wait is twice the one before."`
	PollMost         time.Duration `key:"poll_most" validate:"gtefield=PollAfter" doc:"Longest wait between polls of an unknown outcome."`
	MandateAttempts  int           `key:"mandate_attempts" validate:"gte=1,lte=16" doc:"How often a payment by a mandate is asked for at most, the first time included; card schemes allow 15 repeats."`
	MandateWithin    time.Duration `key:"mandate_within" validate:"gte=1h,lte=720h" doc:"How long after the first time a payment by a mandate that was declined for now is still asked for; card schemes allow 30 days."`
	DedupHorizon     time.Duration `key:"dedup_horizon" validate:"gte=720h,lte=1080h" doc:"How long a command id is remembered; older commands are refused. Not less than 30 days, not more than topics are kept (45 days)."`

	StatementDescriptors []StatementDescriptor `key:"statement_descriptors" validate:"unique=Tenant,dive"`
}

// StatementDescriptor is what customers of a tenant read on their statements.
type StatementDescriptor struct {
	Tenant string `key:"tenant" validate:"required,max=64,name" doc:"Brand whose payments it is for."`
	Text   string `key:"text" validate:"statement_descriptor" doc:"What customers read on the statements of their cards where a payment does not say it: 5 to 22 Latin characters, a letter at least, none of < > \\ ' \" *."`
}

// Payouts are how money goes to customers. How long a held one waits, and its requests, are those of payments.
type Payouts struct {
	ClosedLoop bool          `key:"closed_loop" doc:"Payouts go to cards that the customer deposited with, and to no other. False: once no deposit waits to be paid back, a payout may name another card. Either way deposits go back first."`
	QueueFor   time.Duration `key:"queue_for" validate:"gte=1s" doc:"How long a payout that cannot be sent is asked for again, from when it was first asked for; then it fails and the customer has the money back."`
}

// Ledger is the proof that the ledger was not changed.
type Ledger struct {
	CheckpointKey      Secret        `key:"checkpoint_key" validate:"omitempty,note_signer" doc:"Key that checkpoints of the ledger's hash chain are signed with, as weir ledger keygen prints it. Empty: none are signed."`
	CheckpointInterval time.Duration `key:"checkpoint_interval" validate:"gte=100ms,lte=24h" doc:"Between two checkpoints of a partition whose ledger has moved."`
}

// Stream bounds what each partition holds and waits for.
type Stream struct {
	InstanceID         string        `key:"instance_id" validate:"max=128" doc:"Name of this process in the consumer group, its own among all processes and the same after a restart. Empty: the host's name."`
	BatchRecords       int           `key:"batch_records" validate:"gte=1,lte=100000" doc:"Records in one database transaction."`
	BatchBytes         Bytes         `key:"batch_bytes" validate:"gte=65536" doc:"Bytes of the records in one database transaction."`
	QueueRecords       int           `key:"queue_records" validate:"gte=1" doc:"Records applied and not yet published, for each partition."`
	QueueBytes         Bytes         `key:"queue_bytes" validate:"gte=65536" doc:"Their bytes."`
	InFlight           int           `key:"in_flight" validate:"gte=1" doc:"Records that a stateless role has begun and not finished, for each partition."`
	CommitInterval     time.Duration `key:"commit_interval" validate:"gte=1ms,ltfield=TransactionTimeout" doc:"Between two Kafka commits of a partition."`
	TransactionTimeout time.Duration `key:"transaction_timeout" validate:"gte=1s,lte=15m" doc:"After which the broker aborts an open transaction of a dead process."`
	SessionTimeout     time.Duration `key:"session_timeout" validate:"gte=1s,lte=5m" doc:"After which a dead process loses its partitions to others; until then, or until it is started again, they wait. A broker refuses less than its group.min.session.timeout.ms, 6s where nobody changed it."`
	DrainTimeout       time.Duration `key:"drain_timeout" validate:"gte=100ms,lte=5s" doc:"On a graceful stop: time to apply and publish what is in hand."`
}

// Sandbox is the provider of test payments.
type Sandbox struct {
	Listen        string        `key:"listen" validate:"hostport" doc:"Address of its HTTP server, host:port."`
	APIKey        Secret        `key:"api_key" doc:"Key that callers must send. Empty: everyone may call."`
	WebhookURL    string        `key:"webhook_url" validate:"omitempty,http_url" doc:"Where it sends webhooks. Empty: nowhere."`
	WebhookSecret Secret        `key:"webhook_secret" validate:"required_with=WebhookURL" doc:"Secret that it signs webhooks with (base64, Standard Webhooks)."`
	Latency       time.Duration `key:"latency" validate:"gte=0,lte=1m" doc:"How long every answer takes."`
	MaxPayments   int           `key:"max_payments" validate:"gte=1" doc:"Payments it remembers; the oldest are forgotten first."`
}

// Default is the configuration of an installation that configures nothing: everything embedded, on this host alone.
func Default() Config {
	return Config{
		DataDir:  "data",
		Log:      Log{Level: "info", Format: "auto"},
		Kafka:    Kafka{ClientID: "weir", Replication: -1, EmbeddedPort: 19092, EmbeddedSync: true},
		Database: Database{MaxConns: 16, EmbeddedPort: 15432},
		API: API{
			Listen: "127.0.0.1:8080", MaxBodyBytes: 256 << 10, Wait: 5 * time.Second, ProduceWithin: 5 * time.Second,
			Rate: 1000, Burst: 2000,
			Idempotency: Idempotency{Keep: topics.DedupHorizon, TakeOverAfter: 15 * time.Second},
		},
		Velocity: Velocity{Within: 2 * time.Second, Skew: time.Minute, ReplyBytes: 16 << 20, Keep: 30 * 24 * time.Hour, Flush: time.Second},
		Risk:     Risk{RulesFrom: "files"},
		Payments: Payments{
			MandateAttempts: 5, MandateWithin: 21 * 24 * time.Hour,
			CreatedTTL: 24 * time.Hour, HeldTTL: 72 * time.Hour, ChallengeTTL: 15 * time.Minute, ReviewTTL: 15 * time.Minute, AuthorizationTTL: 7 * 24 * time.Hour,
			RequestTTL: time.Minute, FollowTTL: 15 * time.Minute, PollGrace: 30 * time.Second,
			PollAfter: time.Second, PollMost: 5 * time.Minute, DedupHorizon: topics.DedupHorizon,
		},
		Payouts:  Payouts{ClosedLoop: true, QueueFor: 24 * time.Hour},
		Webhooks: Webhooks{ParkFor: 24 * time.Hour},
		Ledger:   Ledger{CheckpointInterval: 10 * time.Second},
		Stream: Stream{
			BatchRecords: 1000, BatchBytes: 4 << 20, QueueRecords: 10_000, QueueBytes: 16 << 20, InFlight: 2000,
			CommitInterval: 100 * time.Millisecond, TransactionTimeout: 5 * time.Second, SessionTimeout: 6 * time.Second,
			DrainTimeout: 5 * time.Second,
		},
		Sandbox: Sandbox{Listen: "127.0.0.1:8090", MaxPayments: 200_000},
	}
}

// DefaultPSP is what a provider has whose keys are not all given.
func DefaultPSP() PSP {
	return PSP{Adapter: "sandbox", Webhook: defaultWebhook(), Timeout: 10 * time.Second, Concurrency: 256}
}
