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
	Rules       = "risk.rules.v1"
	Lists       = "risk.lists.v1"
	PSPRequests = "psp.requests.v1"
	PSPWebhooks = "psp.webhooks.v1"
	PSPControls = "psp.controls.v1"
	Positions   = "weir.positions.v1"

	Signals  = "risk.signals.v1"
	Features = "risk.features.v1"
	Reviews  = "risk.reviews.v1"
	Velocity = "weir.velocity.v1"
	Outcomes = "risk.outcomes.v1"
	Cases    = "weir.cases.v1"

	WalletCommands    = "wallet.commands.v1"
	WalletEvents      = "wallet.events.v1"
	CustomerEvents    = "customer.events.v1"
	PayoutCommands    = "payouts.commands.v1"
	PayoutEvents      = "payouts.events.v1"
	LinkCommands      = "links.commands.v1"
	LinkEvents        = "links.events.v1"
	DisputeCommands   = "disputes.commands.v1"
	DisputeEvents     = "disputes.events.v1"
	LedgerBalances    = "ledger.balances.v1"
	LedgerCheckpoints = "ledger.checkpoints.v1"
	LedgerPeriods     = "ledger.periods.v1"
	Customers         = "customers.v1"
	CustomerChanges   = "customers.changes.v1"

	CommandsDeadLetters       = "payments.commands.dlq.v1"
	WalletCommandsDeadLetters = "wallet.commands.dlq.v1"
	CustomerEventsDeadLetters = "customer.events.dlq.v1"
	PayoutCommandsDeadLetters = "payouts.commands.dlq.v1"
	LinkCommandsDeadLetters   = "links.commands.dlq.v1"

	DisputeCommandsDeadLetters = "disputes.commands.dlq.v1"

	InboxDeadLetters       = "payments.inbox.dlq.v1"
	PSPRequestsDeadLetters = "psp.requests.dlq.v1"
	PSPWebhooksDeadLetters = "psp.webhooks.dlq.v1"
	SignalsDeadLetters     = "risk.signals.dlq.v1"
	ReviewsDeadLetters     = "risk.reviews.dlq.v1"
)

// The kinds of record that hold frames of bytes for velocity, whose form stands in rules/velocity. They carry no envelope:
// it would weigh more than they do.
const (
	TypeSignal        = "weir.velocity.signal.v1"
	TypeAnswer        = "weir.velocity.answer.v1"
	TypeVelocityState = "weir.velocity.state.v1"
	TypeCase          = "weir.velocity.case.v1"
	TypeOutcome       = "weir.velocity.outcome.v1"
	TypeVelocityCases = "weir.velocity.cases.v1"
)

// Topic describes one topic. Every topic has the same number of partitions: an output stands in the partition of the
// inbox record that caused it.
type Topic struct {
	Name      string
	Purpose   string
	Key       string // what the key is
	Compacted bool
	Retention time.Duration // 0: for ever
	Value     any           // zero value of the record's type; nil where the value is raw bytes or one of Values
	Values    []any         // zero values, one for each of Types, where a topic holds several kinds of record
	Types     []string      // ce_type values
	Writers   []string
	Readers   []string
	// DeadLetters is the topic for records of this one that cannot be processed; "" where there is none.
	DeadLetters string
	Public      bool // a contract with producers or consumers outside weir
}

// DedupHorizon is how long a command id and a webhook's event id are remembered, and how old a command may be. Topics
// that are replayed into the fold are kept longer, so that nothing in them is older than what is remembered.
const DedupHorizon = 30 * 24 * time.Hour

const (
	day           = 24 * time.Hour
	commandsKept  = DedupHorizon + 15*day // the fold's input: covers the horizon and a long outage
	requestsKept  = 14 * day              // a request is not sent after its not_after, which is minutes
	signalsKept   = 14 * day              // what velocity has not counted yet: covers a long outage
	answersKept   = 1 * day               // an answer is waited for for less than a second
	forInspection = 90 * day              // dead letters and raw webhooks: time for people to look and replay
	forEver       = 0
)

// Catalogue returns every topic, in the order in which a payment meets them.
func Catalogue() []Topic {
	return append(flowTopics(), deadLetterTopics()...)
}

// Lookup finds a topic of the catalogue by name.
func Lookup(name string) (Topic, bool) {
	for _, topic := range Catalogue() {
		if topic.Name == name {
			return topic, true
		}
	}
	return Topic{}, false
}

func flowTopics() []Topic {
	const customerKey = "customer id"
	return []Topic{
		{
			Name: Commands, DeadLetters: CommandsDeadLetters, Purpose: "What producers ask of payments.",
			Key:       "customer id (a guest's payment: the command id), so that one customer's commands keep their order",
			Retention: commandsKept, Value: Command{}, Types: []string{TypeCommand},
			Writers: []string{"producers", "api"}, Readers: []string{"risk"}, Public: true,
		},
		{
			Name: WalletCommands, DeadLetters: WalletCommandsDeadLetters, Purpose: "What producers ask of customers' wallets: credits, debits, holds, game rounds, responsible-gaming limits.",
			Key: "customer id, so that one customer's commands keep their order", Retention: commandsKept, Value: WalletCommand{}, Types: []string{TypeWalletCommand},
			Writers: []string{"producers", "api"}, Readers: []string{"risk"}, Public: true,
		},
		{
			Name: PayoutCommands, DeadLetters: PayoutCommandsDeadLetters, Purpose: "What producers ask of payouts: money that goes from a wallet back to the customer.",
			Key: "customer id, so that one customer's commands keep their order", Retention: commandsKept, Value: PayoutCommand{}, Types: []string{TypePayoutCommand},
			Writers: []string{"producers", "api"}, Readers: []string{"risk"}, Public: true,
		},
		{
			Name: DisputeCommands, DeadLetters: DisputeCommandsDeadLetters, Purpose: "How producers answer disputes: with evidence, or by giving them up.",
			Key: "customer id, so that one customer's commands keep their order", Retention: commandsKept, Value: DisputeCommand{}, Types: []string{TypeDisputeCommand},
			Writers: []string{"producers", "api"}, Readers: []string{"risk"}, Public: true,
		},
		{
			Name: LinkCommands, DeadLetters: LinkCommandsDeadLetters, Purpose: "What producers ask of payment links: pages on which a payer pays what a customer's link asks for.",
			Key: "customer id, so that one customer's commands keep their order", Retention: commandsKept, Value: LinkCommand{}, Types: []string{TypeLinkCommand},
			Writers: []string{"producers", "api"}, Readers: []string{"risk"}, Public: true,
		},
		{
			Name: CustomerEvents, DeadLetters: CustomerEventsDeadLetters, Purpose: "What happened to customers and no payment shows: logins, sign-ups, changed passwords, payouts and disputes of other systems. Rules look at it, and velocity counts it.",
			Key: "customer id, so that one customer's events keep their order", Retention: commandsKept, Value: CustomerEvent{}, Types: []string{TypeCustomerEvent},
			Writers: []string{"producers", "api"}, Readers: []string{"risk"}, Public: true,
		},
		{
			Name: Signals, DeadLetters: SignalsDeadLetters, Purpose: "What velocity is to count and is asked, in frames of bytes: an attempt, or the outcome of one, for the dimension values that its partition owns.",
			Key: "none; the partition is computed from the dimension's value", Retention: signalsKept, Types: []string{TypeSignal},
			Writers: []string{"risk", "velocity"}, Readers: []string{"velocity"},
		},
		{
			Name: Features, Purpose: "What velocity answers to signals, in frames of bytes, in the partition of the command that asked.",
			Key: "none", Retention: answersKept, Types: []string{TypeAnswer},
			Writers: []string{"velocity"}, Readers: []string{"risk"},
		},
		{
			Name: Outcomes, DeadLetters: SignalsDeadLetters, Purpose: "What becomes of attempts, in frames of bytes: how an attempt's outcomes are counted, where a rule counts any, and the outcomes.",
			Key: "none; the partition is the payment's", Retention: signalsKept, Types: []string{TypeCase, TypeOutcome},
			Writers: []string{"risk", "velocity"}, Readers: []string{"velocity"},
		},
		{
			Name: Cases, Purpose: "The attempts whose outcomes velocity waits for, and how far these are counted, in one transaction each second.",
			Key: "bytes that name what the record holds", Compacted: true, Retention: forEver, Types: []string{TypeVelocityCases},
			Writers: []string{"velocity"}, Readers: []string{"velocity"},
		},
		{
			Name: Velocity, Purpose: "What velocity holds: the events of each dimension value, the latest answers and how far the signals are counted, in one transaction each second.",
			Key: "bytes that name what the record holds", Compacted: true, Retention: forEver, Types: []string{TypeVelocityState},
			Writers: []string{"velocity"}, Readers: []string{"velocity"},
		},
		{
			Name: Inbox, DeadLetters: InboxDeadLetters, Purpose: "The one order in which everything happens to payments, wallets, payouts and disputes: assessed commands and customer events, changes of customers' records, PSP reports and timers that ran out.",
			Key:       "customer id; the partition is computed from tenant and customer, not from the key",
			Retention: commandsKept, Values: []any{AssessedCommand{}, PSPReport{}, TimerDue{}, AssessedWalletCommand{}, PeriodClose{}, AssessedCustomerEvent{}, AssessedAuthorization{}, AssessedPayoutCommand{}, AssessedLinkCommand{}, AssessedDisputeCommand{}, CustomerCommand{}},
			Types:   []string{TypeAssessedCommand, TypePSPReport, TypeTimerDue, TypeAssessedWallet, TypePeriodClose, TypeAssessedCustomerEvent, TypeAssessedAuthorization, TypeAssessedPayout, TypeAssessedLink, TypeAssessedDispute, TypeCustomerCommand},
			Writers: []string{"risk", "psp", "webhooks", "payments", "api", "operators"}, Readers: []string{"payments"},
		},
		{
			Name: Events, DeadLetters: SignalsDeadLetters, Purpose: "What happened to payments, each fact once for read_committed readers. A payment is the fold of its events.",
			Key: customerKey, Retention: forEver, Value: PaymentEvent{}, Types: []string{TypePaymentEvent},
			Writers: []string{"payments"}, Readers: []string{"api", "velocity", "downstream"}, Public: true,
		},
		{
			Name: WalletEvents, Purpose: "What happened to wallets by command or by a hold's expiry, each fact once for read_committed readers. What payments move on wallets stands in ledger.entries.v1 with it.",
			Key: customerKey, Retention: forEver, Value: WalletEvent{}, Types: []string{TypeWalletEvent},
			Writers: []string{"payments"}, Readers: []string{"api", "downstream"}, Public: true,
		},
		{
			Name: PayoutEvents, Purpose: "What happened to payouts, each fact once for read_committed readers. A payout is the fold of its events.",
			Key: customerKey, Retention: forEver, Value: PayoutEvent{}, Types: []string{TypePayoutEvent},
			Writers: []string{"payments"}, Readers: []string{"api", "velocity", "downstream"}, Public: true,
		},
		{
			Name: DisputeEvents, Purpose: "What happened to disputes, each fact once for read_committed readers. A dispute is the fold of its events.",
			Key: customerKey, Retention: forEver, Value: DisputeEvent{}, Types: []string{TypeDisputeEvent},
			Writers: []string{"payments"}, Readers: []string{"api", "downstream"}, Public: true,
		},
		{
			Name: LinkEvents, Purpose: "What happened to payment links and their uses, each fact once for read_committed readers. A link is the fold of its events.",
			Key: customerKey, Retention: forEver, Value: LinkEvent{}, Types: []string{TypeLinkEvent},
			Writers: []string{"payments"}, Readers: []string{"api", "downstream"}, Public: true,
		},
		{
			Name: Entries, Purpose: "Double-entry ledger entries; balances can be rebuilt from this topic alone.",
			Key: customerKey, Retention: forEver, Value: LedgerEntry{}, Types: []string{TypeLedgerEntry},
			Writers: []string{"payments"}, Readers: []string{"downstream"}, Public: true,
		},
		{
			Name: LedgerPeriods, Purpose: "The trial balance of each accounting period that was closed, as far as a partition has it, or why it was not closed; the sum over all partitions is the tenant's.",
			Key: "tenant", Retention: forEver, Value: PeriodClosed{}, Types: []string{TypePeriodClosed},
			Writers: []string{"payments"}, Readers: []string{"downstream"}, Public: true,
		},
		{
			Name: LedgerBalances, Purpose: "The balance of each account as its last entry left it, about a second behind the entries. A repeat may come; entry_id tells which of two is newer.",
			Key: "account id and partition, as <account_id>-<partition>", Compacted: true, Retention: forEver, Value: LedgerBalance{}, Types: []string{TypeLedgerBalance},
			Writers: []string{"statements"}, Readers: []string{"downstream"}, Public: true,
		},
		{
			Name: LedgerCheckpoints, Purpose: "Signed checkpoints of the hash chain over each partition's ledger entries, as notes in text; what they say stands in docs/ledger-proof.md. Keep copies where nobody who runs weir can change them.",
			Key: "partition", Retention: forEver, Types: []string{TypeCheckpoint},
			Writers: []string{"checkpoints"}, Readers: []string{"downstream", "operators"}, Public: true,
		},
		{
			Name: CustomerChanges, Purpose: "Who changed a customer's record, when, why and to what, each change once for read_committed readers; what tells who the customer is stands encrypted in it.",
			Key: customerKey, Retention: forEver, Value: CustomerChange{}, Types: []string{TypeCustomerChange},
			Writers: []string{"payments"}, Readers: []string{"api", "downstream"}, Public: true,
		},
		{
			Name: Customers, Purpose: "What is known of each customer, as the last change left it; what tells who it is stands encrypted in it.",
			Key: "tenant and customer id, as <tenant>/<customer_id>; the partition is the customer's", Compacted: true, Retention: forEver, Value: CustomerRecord{}, Types: []string{TypeCustomerRecord},
			Writers: []string{"payments"}, Readers: []string{"downstream"}, Public: true,
		},
		{
			Name: Decisions, Purpose: "The risk decision on each assessed command and customer event, with what every rule said.",
			Key: customerKey, Retention: forEver, Value: Decision{}, Types: []string{TypeDecision},
			Writers: []string{"payments"}, Readers: []string{"api", "downstream"}, Public: true,
		},
		{
			Name: Rules, Purpose: "The rule sets that were deployed, all in partition 0: what is in force, what waits for approval, every set that ever was and when. weir rules writes it.",
			Key: "live, candidate, proposed, set-<rule set hash> or history-<time>", Compacted: true, Retention: forEver, Value: RuleDeployment{}, Types: []string{TypeRuleDeployment},
			Writers: []string{"operators"}, Readers: []string{"risk", "operators"},
		},
		{
			Name: Lists, Purpose: "How lists of the rules were edited while weir ran, all in partition 0: who added, removed or approved what, when and why. What is in force is the fold of it; it is kept for ever, because decisions say how far they had read it.",
			Key: "list", Retention: forEver, Value: ListEdit{}, Types: []string{TypeListEdit},
			Writers: []string{"api", "operators"}, Readers: []string{"risk", "api", "operators"},
		},
		{
			Name: PSPRequests, DeadLetters: PSPRequestsDeadLetters, Purpose: "What the gateway performs at PSPs.",
			Key: customerKey, Retention: requestsKept, Value: PSPRequest{}, Types: []string{TypePSPRequest},
			Writers: []string{"payments"}, Readers: []string{"psp"},
		},
		{
			Name: PSPControls, Purpose: "The kill switches of PSPs, all in partition 0: who turned which on or off, when and why. What is in force is the last record of each scope.",
			Key: "scope, as psp|method|country|tenant", Retention: forEver, Value: RouteControl{}, Types: []string{TypeRouteControl},
			Writers: []string{"api", "operators"}, Readers: []string{"risk", "psp", "api", "operators"},
		},
		{
			Name: Reviews, DeadLetters: ReviewsDeadLetters, Purpose: "Authorisations that risk is asked to look at before anything is captured, where rules of stage after_authorization exist.",
			Key: customerKey, Retention: requestsKept, Value: ReviewRequest{}, Types: []string{TypeReviewRequest},
			Writers: []string{"payments"}, Readers: []string{"risk"},
		},
		{
			Name: PSPWebhooks, DeadLetters: PSPWebhooksDeadLetters, Purpose: "Verified webhooks as they came: the body byte for byte, a card number in it masked; the PSP's name in ce_subject.",
			Key: "the delivery's id", Retention: forInspection, Types: []string{TypePSPWebhook},
			Writers: []string{"api"}, Readers: []string{"webhooks"},
		},
		{
			Name: Positions, Purpose: "How far each partition has published; written in the same Kafka transaction as what it published.",
			Key: "role", Compacted: true, Retention: forEver, Types: []string{TypePosition},
			Writers: []string{"payments"}, Readers: []string{"payments"},
		},
	}
}

func deadLetterTopics() []Topic {
	letters := []Topic{
		{Name: CommandsDeadLetters, Purpose: "Commands that could not be read.", Writers: []string{"risk"}, Public: true},
		{Name: WalletCommandsDeadLetters, Purpose: "Wallet commands that could not be read.", Writers: []string{"risk"}, Public: true},
		{Name: PayoutCommandsDeadLetters, Purpose: "Payout commands that could not be read.", Writers: []string{"risk"}, Public: true},
		{Name: DisputeCommandsDeadLetters, Purpose: "Dispute commands that could not be read.", Writers: []string{"risk"}, Public: true},
		{Name: LinkCommandsDeadLetters, Purpose: "Link commands that could not be read.", Writers: []string{"risk"}, Public: true},
		{Name: CustomerEventsDeadLetters, Purpose: "Customer events that could not be read or are invalid.", Writers: []string{"risk"}, Public: true},
		{Name: SignalsDeadLetters, Purpose: "Signals, and events to be counted, that could not be read.", Writers: []string{"velocity"}},
		{Name: ReviewsDeadLetters, Purpose: "Review requests that could not be read.", Writers: []string{"risk"}},
		{Name: InboxDeadLetters, Purpose: "Inbox records that could not be applied.", Writers: []string{"payments"}},
		{Name: PSPRequestsDeadLetters, Purpose: "PSP requests that could not be read.", Writers: []string{"psp"}},
		{Name: PSPWebhooksDeadLetters, Purpose: "Webhooks that could not be understood.", Writers: []string{"webhooks"}},
	}
	for i := range letters {
		letters[i].Key = "that of the original record"
		letters[i].Purpose += " Each with why, where it stood and its bytes; a card number in them is masked."
		letters[i].Value, letters[i].Types = DeadLetter{}, []string{TypeDeadLetter}
		letters[i].Retention = forInspection
		letters[i].Readers = []string{"operators"}
	}
	return letters
}
