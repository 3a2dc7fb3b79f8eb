// Package topics is the catalogue of every Kafka topic that weir reads or writes: its name, key, partitions, retention,
// value type and who writes and reads it, with the records themselves, their codec and their envelope.
package topics

import "time"

const (
	Commands    = "payments.commands.v1"
	Inbox       = "payments.inbox.v1"
	Events      = "payments.events.v1"
	Entries     = "ledger.entries.v1"
	Decisions   = "risk.decisions.v1"
	PSPRequests = "psp.requests.v1"
	PSPWebhooks = "psp.webhooks.v1"
	Positions   = "weir.positions.v1"

	CommandsDeadLetters    = "payments.commands.dlq.v1"
	InboxDeadLetters       = "payments.inbox.dlq.v1"
	PSPRequestsDeadLetters = "psp.requests.dlq.v1"
	PSPWebhooksDeadLetters = "psp.webhooks.dlq.v1"
)

// Topic describes one topic. Every topic has the same number of partitions: an output stands in the partition of the
// inbox record that caused it.
type Topic struct {
	Name      string
	Purpose   string
	Key       string // what the key is
	Compacted bool
	Retention time.Duration // 0: for ever
	Value     any           // zero value of the record's type; nil where the value is raw bytes
	Types     []string      // ce_type values
	Writers   []string
	Readers   []string
	Public    bool // a contract with producers or consumers outside weir
}
