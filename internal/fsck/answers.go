package fsck

import (
	"context"
	"fmt"
	"net/http"

	"github.com/gofrs/uuid/v5"
	"github.com/segmentio/encoding/json"

	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/topics"
)

// The answer stored with an idempotency key is given to every repeat. One of success names the event of a wallet or of a
// customer, the payment, the payout, the mandate, the link or the dispute that it tells of, and what it says of that which never
// changes can be compared. The words of a refusal, and the status that a payment had when it was answered for, cannot.

// answerRow is an answered key.
type answerRow struct {
	Tenant, Key string
	Command     [16]byte
	Status      int32
	Body        []byte
}

func (r *answerRow) subject() string { return "idempotency key " + r.Key + " of " + r.Tenant }

// answerBody is what bodies have, whatever they tell of.
type answerBody struct {
	Error      string `json:"error"`     // code of a refusal
	EventID    string `json:"event_id"`  // of a wallet's change, or given to what happened to a customer
	ID         string `json:"id"`        // of a payment, a payout or a mandate, or of the request for a refund
	IntentID   string `json:"intent_id"` // of a refund: the payment; of a mandate: the one that set it up
	CommandID  string `json:"command_id"`
	CustomerID string `json:"customer_id"`
	DisputedID string `json:"payment_id"` // of a dispute: what is disputed
	Status     string `json:"status"`
	Amount     int64  `json:"amount"`
	MaxAmount  int64  `json:"max_amount"` // of a payment by a mandate
	Currency   string `json:"currency"`
	Authorized int64  `json:"authorized"`
	Captured   int64  `json:"captured"`
	Balance    *struct {
		Available int64 `json:"available"`
		Held      int64 `json:"held"`
		Debt      int64 `json:"debt"`
	} `json:"balance"`
}

// answer is one with what it is compared with.
type answer struct {
	*answerRow
	answerBody
	event   topics.EventID
	payment topics.PaymentID
	payout  topics.PayoutID
	link    topics.LinkID
	dispute topics.DisputeID
}

// answersOf are answers by what they tell of and by its partition.
type answersOf struct{ changes, events, payments, payouts, links, disputes map[int32][]answer }

// answers compares the stored answers with the log and with payments.
func (c *checker) answers(ctx context.Context) error {
	tenant, key := "", ""
	for {
		rows, err := collect[answerRow](ctx, c, `SELECT tenant, key, command_id, status, body FROM idempotency_keys
WHERE (tenant, key) > ($1, $2) AND body IS NOT NULL ORDER BY tenant, key LIMIT $3`, tenant, key, pageRows)
		if err != nil {
			return fmt.Errorf("read idempotency_keys: %w", err)
		}
		of := answersOf{map[int32][]answer{}, map[int32][]answer{}, map[int32][]answer{}, map[int32][]answer{}, map[int32][]answer{}, map[int32][]answer{}}
		for i := range rows {
			c.sort(&rows[i], &of)
		}
		for _, compare := range [...]struct {
			with    func(*partitionCheck, context.Context, []answer) error
			answers map[int32][]answer
		}{{(*partitionCheck).changeAnswers, of.changes}, {(*partitionCheck).eventAnswers, of.events}, {(*partitionCheck).paymentAnswers, of.payments},
			{(*partitionCheck).payoutAnswers, of.payouts}, {(*partitionCheck).linkAnswers, of.links}, {(*partitionCheck).disputeAnswers, of.disputes}} {
			for partition, some := range compare.answers {
				p := &partitionCheck{checker: c, snapshot: snapshot{partition: partition}}
				if err := compare.with(p, ctx, some); err != nil {
					return err
				}
			}
		}
		if len(rows) < pageRows {
			return nil
		}
		tenant, key = rows[len(rows)-1].Tenant, rows[len(rows)-1].Key
	}
}

// sort adds an answer of success to those of its partition.
func (c *checker) sort(r *answerRow, of *answersOf) {
	a := answer{answerRow: r}
	err := json.Unmarshal(r.Body, &a.answerBody)
	success := r.Status >= http.StatusOK && r.Status < http.StatusMultipleChoices
	switch {
	case err != nil:
	case success != (a.Error == ""):
		err = fmt.Errorf("status %d with error %q", r.Status, a.Error)
	case !success:
	case a.CommandID == "" && a.EventID != "":
		if partition := topics.PartitionOf(a.Tenant, a.CustomerID, max(c.partitions, 1)); c.partitions > 0 { // else nothing says which one it is of
			of.events[partition] = append(of.events[partition], a)
		}
	case a.EventID != "":
		if a.event, err = topics.ParseEventID(a.EventID); err == nil {
			of.changes[a.event.Partition] = append(of.changes[a.event.Partition], a)
		}
	case a.IntentID != "":
		if a.payment, err = topics.ParsePaymentID(a.IntentID); err == nil {
			of.payments[a.payment.Partition] = append(of.payments[a.payment.Partition], a)
		}
	case topics.IsPayoutID(a.ID):
		if a.payout, err = topics.ParsePayoutID(a.ID); err == nil {
			of.payouts[a.payout.Partition] = append(of.payouts[a.payout.Partition], a)
		}
	case topics.IsDisputeID(a.ID):
		if a.dispute, err = topics.ParseDisputeID(a.ID); err == nil {
			of.disputes[a.dispute.Partition] = append(of.disputes[a.dispute.Partition], a)
		}
	case topics.IsLinkID(a.ID):
		if a.link, err = topics.ParseLinkID(a.ID); err == nil {
			of.links[a.link.Partition] = append(of.links[a.link.Partition], a)
		}
	default:
		if a.payment, err = topics.ParsePaymentID(a.ID); err == nil {
			of.payments[a.payment.Partition] = append(of.payments[a.payment.Partition], a)
		}
	}
	if err != nil {
		p := &partitionCheck{checker: c}
		p.problem("answer", r.subject(), "its answer is none of ours: %v", err)
	}
}

// changeAnswers compares answers of one partition with the events of wallets that they name.
func (p *partitionCheck) changeAnswers(ctx context.Context, answers []answer) error {
	positions := make([]int64, len(answers))
	for i := range answers {
		positions[i] = answers[i].event.Position
	}
	frames, err := p.framesAt(ctx, positions)
	if err != nil {
		return err
	}
	for i := range answers {
		a := &answers[i]
		var e topics.WalletEvent
		_, outputs, err := p.frames.Decode(a.event.Partition, a.event.Position, frames[a.event.Position])
		for j := range outputs {
			if o := &outputs[j]; o.Topic == topics.WalletEvents && o.Envelope.ID == a.EventID {
				err = topics.Unmarshal(o.Value, &e)
			}
		}
		if err != nil || e.EventID != a.EventID {
			p.problem("answer", a.subject(), "it names event %s, which the log does not have", a.EventID)
			continue
		}
		told := balanceName(nil)
		if a.Balance != nil {
			told = balanceName(&topics.WalletBalance{Available: a.Balance.Available, Held: a.Balance.Held, Debt: a.Balance.Debt})
		}
		if e.Tenant != a.Tenant || e.CommandID != a.CommandID || e.CommandID != uuid.UUID(a.Command).String() || e.CustomerID != a.CustomerID ||
			string(e.Type) != a.answerBody.Status || e.Amount != a.Amount || e.Currency != a.Currency || balanceName(e.Balance) != told {
			p.problem("answer", a.subject(), "it says %s of %d %s for %s by command %s (the key's is %s), balance %s; event %s says %s of %d %s for %s of %s by %s, balance %s",
				a.answerBody.Status, a.Amount, a.Currency, a.CustomerID, a.CommandID, uuid.UUID(a.Command), told,
				a.EventID, e.Type, e.Amount, e.Currency, e.CustomerID, e.Tenant, e.CommandID, balanceName(e.Balance))
		}
	}
	return nil
}

// differs says what an answer tells otherwise than the payment, "" for nothing. What was authorised and captured only grows.
func (a *answer) differs(p *lifecycle.Payment) string {
	if a.Currency != string(p.Currency) {
		return fmt.Sprintf("it says currency %s instead of %s", a.Currency, p.Currency)
	}
	if a.IntentID != "" {
		if a.ID == "" {
			return "" // not decided yet
		}
		if _, err := topics.ParseMandateID(a.ID); err == nil {
			return a.differsOfMandate(p)
		}
		for i := range p.Operations {
			if op := &p.Operations[i]; op.Request.String() == a.ID && op.Kind == topics.OperationRefund && op.Amount == a.Amount {
				return ""
			}
		}
		return fmt.Sprintf("it tells of a refund %s of %d, which is none", a.ID, a.Amount)
	}
	switch {
	case a.CustomerID != p.Customer:
		return fmt.Sprintf("it says customer %s instead of %s", a.CustomerID, p.Customer)
	case a.Amount != p.Amount:
		return fmt.Sprintf("it says amount %d instead of %d", a.Amount, p.Amount)
	case a.Authorized > p.Authorized || a.Captured > p.Captured:
		return fmt.Sprintf("it says authorised %d and captured %d, more than the %d and %d", a.Authorized, a.Captured, p.Authorized, p.Captured)
	}
	return ""
}

// differsOfMandate is differs of an answer that tells of the mandate which the payment set up.
func (a *answer) differsOfMandate(p *lifecycle.Payment) string {
	switch m := p.Mandate; {
	case m == nil || a.ID != p.ID.MandateID():
		return fmt.Sprintf("it tells of mandate %s, which is none", a.ID)
	case a.CustomerID != p.Customer:
		return fmt.Sprintf("it says customer %s of the mandate instead of %s", a.CustomerID, p.Customer)
	case a.MaxAmount != m.Terms.MaxAmount:
		return fmt.Sprintf("it says that the mandate is for payments of up to %d instead of %d", a.MaxAmount, m.Terms.MaxAmount)
	}
	return ""
}
