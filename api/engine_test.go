package api

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/processors/payments"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/processors/statements"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
	"github.com/weirhq/weir/topics/declines"
)

// engine runs the payments fold behind an API. The test plays the two neighbours that are not ours: risk, which blocks or
// holds what the description asks for, and the PSP, which answers by the card's token.
type engine struct {
	partitions int32
	done       sync.WaitGroup
	stop       context.CancelFunc

	mu     sync.Mutex
	tokens map[string]string // of the payments that were authorised
	held   bool              // the PSP answers nothing
	polled topics.PSPOutcome // what a poll says; "" nothing
}

// withEngine starts an engine behind the fixture.
func (f *fixture) withEngine(t testing.TB) *engine {
	t.Helper()
	e := &engine{partitions: testPartitions, tokens: map[string]string{}}
	log := slog.New(slog.DiscardHandler)
	kafka := f.broker.Config.Options(log)
	program, err := payments.New(payments.Config{
		Pool: f.db.Pool, Partitions: e.partitions, Limits: lifecycle.DefaultLimits(), Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	fold, err := stream.NewFold(stream.FoldConfig{
		Role: payments.Role, Input: topics.Inbox, DeadLetters: topics.InboxDeadLetters, Format: 1, Program: program,
		DB: f.db, Kafka: kafka, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	risk, err := stream.NewTransform(stream.TransformConfig{
		Role: "risk", Input: topics.Commands, DeadLetters: topics.CommandsDeadLetters, Apply: e.assess, Kafka: kafka, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	wallets, err := stream.NewTransform(stream.TransformConfig{
		Role: "risk-wallet", Input: topics.WalletCommands, DeadLetters: topics.WalletCommandsDeadLetters, Apply: e.assessWallet,
		Kafka: kafka, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	events, err := stream.NewTransform(stream.TransformConfig{
		Role: "risk-events", Input: topics.CustomerEvents, DeadLetters: topics.CustomerEventsDeadLetters, Apply: e.assessEvent,
		Kafka: kafka, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	psp, err := stream.NewTransform(stream.TransformConfig{
		Role: "psp", Input: topics.PSPRequests, DeadLetters: topics.PSPRequestsDeadLetters, Apply: e.perform, Kafka: kafka,
		ReadUncommitted: true, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	e.stop = cancel
	payouts, err := stream.NewTransform(stream.TransformConfig{
		Role: "risk-payout", Input: topics.PayoutCommands, DeadLetters: topics.PayoutCommandsDeadLetters, Apply: e.assessPayout,
		Kafka: kafka, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, run := range []func(context.Context) error{fold.Run, risk.Run, wallets.Run, payouts.Run, events.Run, psp.Run} {
		e.done.Go(func() {
			if err := run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() { cancel(); e.done.Wait() })
	eventually(t, "the engine is ready", func() bool {
		return fold.Ready() == nil && risk.Ready() == nil && wallets.Ready() == nil && payouts.Ready() == nil && events.Ready() == nil && psp.Ready() == nil
	})
	return e
}

// withStatements projects what is booked into statements.
func (f *fixture) withStatements(t testing.TB) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	role, err := statements.New(statements.Config{Database: f.db, Kafka: f.broker.Config.Options(log), Log: log})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		if err := role.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); done.Wait() })
}

// hold makes the PSP silent.
func (e *engine) hold(silent bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.held = silent
}

func (e *engine) assess(_ context.Context, r stream.Record) ([]stream.Message, *stream.DeadLetter, error) {
	var command topics.Command
	if err := topics.Unmarshal(r.Value, &command); err != nil {
		return nil, &stream.DeadLetter{Reason: topics.RefusedUndecodable, Detail: err.Error()}, nil
	}
	assessed := topics.AssessedCommand{Command: command, Decision: topics.Decision{
		CommandID: command.CommandID, Outcome: topics.OutcomePass, RuleSet: "test_set",
		Rules: []topics.RuleResult{{Rule: "seen", Result: topics.RuleHit, Outcome: topics.OutcomePass, Read: map[string]string{"card.type": "credit"}}}},
		Features: map[string]topics.Feature{"tries": {Value: 3}}}
	for _, outcome := range []topics.Outcome{topics.OutcomeBlock, topics.OutcomeHold} {
		if strings.HasPrefix(command.Description, string(outcome)) || command.Type == topics.CommandRefund && strings.HasPrefix(command.Reason, string(outcome)) {
			assessed.Decision.Outcome, assessed.Decision.Reasons = outcome, []string{"test_rule"}
		}
	}
	customer := command.CustomerID
	if customer == "" {
		customer = topics.GuestCustomer(uuid.FromStringOrNil(command.CommandID))
	}
	return e.inbox(topics.TypeAssessedCommand, &assessed, topics.PartitionOf(command.Tenant, customer, e.partitions))
}

func (e *engine) assessWallet(_ context.Context, r stream.Record) ([]stream.Message, *stream.DeadLetter, error) {
	var assessed topics.AssessedWalletCommand
	c := &assessed.Command
	if err := topics.Unmarshal(r.Value, c); err != nil {
		return nil, &stream.DeadLetter{Reason: topics.RefusedUndecodable, Detail: err.Error()}, nil
	}
	assessed.Refusal = c.Validate()
	for _, outcome := range []topics.Outcome{topics.OutcomeBlock, topics.OutcomeHold} {
		if strings.HasPrefix(c.Description, string(outcome)) {
			assessed.Decision = &topics.Decision{CommandID: c.CommandID, Stage: topics.StageWallet, Outcome: outcome, RuleSet: "test_set", Reasons: []string{"test_rule"}}
		}
	}
	return e.inbox(topics.TypeAssessedWallet, &assessed, topics.PartitionOf(c.Tenant, c.CustomerID, e.partitions))
}

func (e *engine) assessPayout(_ context.Context, r stream.Record) ([]stream.Message, *stream.DeadLetter, error) {
	var assessed topics.AssessedPayoutCommand
	c := &assessed.Command
	if err := topics.Unmarshal(r.Value, c); err != nil {
		return nil, &stream.DeadLetter{Reason: topics.RefusedUndecodable, Detail: err.Error()}, nil
	}
	for _, outcome := range []topics.Outcome{topics.OutcomeBlock, topics.OutcomeHold} {
		if strings.HasPrefix(c.Description, string(outcome)) {
			assessed.Decision = &topics.Decision{CommandID: c.CommandID, Stage: topics.StagePayout, Outcome: outcome, RuleSet: "test_set", Reasons: []string{"test_rule"}}
		}
	}
	return e.inbox(topics.TypeAssessedPayout, &assessed, topics.PartitionOf(c.Tenant, c.CustomerID, e.partitions))
}

// assessEvent blocks the type block_me.
func (e *engine) assessEvent(_ context.Context, r stream.Record) ([]stream.Message, *stream.DeadLetter, error) {
	assessed := topics.AssessedCustomerEvent{AssessedAt: r.Time,
		Decision: topics.Decision{Stage: topics.StageEvent, Outcome: topics.OutcomePass, RuleSet: "test_set", Evaluated: 2}}
	if err := topics.Unmarshal(r.Value, &assessed.Event); err != nil {
		return nil, &stream.DeadLetter{Reason: topics.RefusedUndecodable, Detail: err.Error()}, nil
	}
	if d := &assessed.Decision; assessed.Event.Type == "block_me" {
		d.Outcome, d.Reasons, d.Score = topics.OutcomeBlock, []string{"test_rule"}, 7
	}
	return e.inbox(topics.TypeAssessedCustomerEvent, &assessed,
		topics.PartitionOf(assessed.Event.Tenant, assessed.Event.CustomerID, e.partitions))
}

func (e *engine) perform(_ context.Context, r stream.Record) ([]stream.Message, *stream.DeadLetter, error) {
	var request topics.PSPRequest
	if err := topics.Unmarshal(r.Value, &request); err != nil {
		return nil, &stream.DeadLetter{Reason: topics.RefusedUndecodable, Detail: err.Error()}, nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if request.Card != nil {
		e.tokens[request.PaymentID] = request.Card.Token
	}
	report := topics.PSPReport{
		ReportID: uuid.Must(uuid.NewV7()).String(), Source: topics.SourceResponse, PSP: request.PSP, Tenant: request.Tenant,
		CustomerID: request.CustomerID, PaymentID: request.PaymentID, RequestID: request.RequestID, TraceID: request.TraceID,
		Operation: request.Operation, Outcome: topics.PSPApproved, Amount: request.Amount, Currency: request.Currency,
		Captured: request.Capture, PSPReference: "ch_" + request.RequestID, OccurredAt: time.Now().UTC(),
	}
	if e.held {
		return nil, nil, nil
	}
	if request.Poll {
		if e.polled == "" {
			return nil, nil, nil
		}
		report.Source, report.Outcome = topics.SourcePoll, e.polled
	} else {
		e.decide(&request, &report)
	}
	partition, err := topics.PartitionOfReference(request.PaymentID)
	if err != nil {
		return nil, nil, err
	}
	return e.inbox(topics.TypePSPReport, &report, partition)
}

// decide answers a request by the card's token.
func (e *engine) decide(request *topics.PSPRequest, report *topics.PSPReport) {
	switch token := e.tokens[request.PaymentID]; {
	case token == "tok_declined" && request.Operation == topics.OperationAuthorize:
		report.Outcome, report.DeclineCode, report.Captured = topics.PSPDeclined, "51", false
		declines.Classify(report, declines.ISO8583)
	case token == "tok_challenge" && request.Operation == topics.OperationAuthorize:
		report.Outcome, report.Captured = topics.PSPRequiresAction, false
		report.Action = &topics.Action{Type: "redirect", URL: "https://psp.example/3ds"}
	case token == "tok_unknown" && request.Operation == topics.OperationAuthorize:
		report.Outcome, report.Captured, report.PSPReference = topics.PSPUnknown, false, ""
	case token == "kept" && request.Operation == topics.OperationAuthorize && request.Amount < 1000: // by a mandate
		report.Outcome, report.DeclineCode, report.Captured = topics.PSPDeclined, map[int64]string{510: "51", 430: "43"}[request.Amount], false
		declines.Classify(report, declines.ISO8583)
	case token == "tok_kept":
		report.StoredCredential, report.NetworkReference = "kept", "net_1"
	case token == "tok_refund_pending" && request.Operation == topics.OperationRefund:
		report.Outcome = topics.PSPPending
	case token == "tok_payout_fails" && request.Operation == topics.OperationPayout:
		report.Outcome, report.DeclineCode, report.Detail = topics.PSPFailed, "57", "the card takes no payouts"
	case token == "tok_payout_pending" && request.Operation == topics.OperationPayout:
		report.Outcome = topics.PSPPending
	case token == "tok_increment_declined" && request.Operation == topics.OperationIncrement:
		report.Outcome, report.DeclineCode = topics.PSPDeclined, "51"
	case token == "tok_capture_fails" && request.Operation == topics.OperationCapture:
		report.Outcome = topics.PSPDeclined
	}
}

func (e *engine) inbox(kind string, value any, partition int32) ([]stream.Message, *stream.DeadLetter, error) {
	data, err := topics.Marshal(value)
	if err != nil {
		return nil, nil, err
	}
	return []stream.Message{{
		Partition: partition,
		Output:    stream.Output{Topic: topics.Inbox, Value: data, Envelope: topics.Envelope{Type: kind}},
	}}, nil, nil
}
