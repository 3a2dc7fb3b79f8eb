package stripe

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/stripe/stripe-go/v85"

	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/topics"
	"github.com/weirhq/weir/topics/chargebacks"
)

// The events of disputes. Money moves by the last two alone, each of which comes once for a balance transaction; the others say
// how the dispute stands.
const (
	disputeCreated    = "charge.dispute.created"
	disputeUpdated    = "charge.dispute.updated"
	disputeClosed     = "charge.dispute.closed"
	disputeWithdrawn  = "charge.dispute.funds_withdrawn"
	disputeReinstated = "charge.dispute.funds_reinstated"
)

// disputeEvent maps an event of a dispute. The object has no metadata of ours: the payment is known by its intent.
func disputeEvent(kind string, object json.RawMessage) (topics.PSPReport, error) {
	var d stripe.Dispute
	if err := json.Unmarshal(object, &d); err != nil {
		return topics.PSPReport{}, err
	}
	switch {
	case d.ID == "":
		return topics.PSPReport{}, errors.New(`field "data.object.id" is missing`)
	case d.PaymentIntent == nil || d.PaymentIntent.ID == "":
		return topics.PSPReport{}, errors.New(`field "data.object.payment_intent" is missing: whose payment is disputed is not known`)
	}
	report := topics.PSPReport{
		Operation: topics.OperationDispute, Outcome: topics.PSPApproved, PSPReference: d.PaymentIntent.ID,
		Dispute: &topics.DisputeReport{Reference: d.ID, Reason: reasonOf(&d)},
	}
	chargebacks.Classify(report.Dispute)
	if details := d.EvidenceDetails; details != nil {
		report.Dispute.EvidenceDue = unix(details.DueBy)
	}
	amount, currency, err := d.Amount, string(d.Currency), error(nil)
	var fee int64
	if kind == disputeWithdrawn || kind == disputeReinstated {
		moved, err := movementOf(&d, kind)
		if err != nil {
			return topics.PSPReport{}, err
		}
		amount, currency, fee = moved.Amount, string(moved.Currency), moved.Fee
		if amount < 0 {
			amount = -amount
		}
		report.Dispute.Movement = moved.ID
	}
	if report.Dispute.Fact, err = factOf(kind, d.Status); err != nil {
		return topics.PSPReport{}, err
	}
	switch d.Status {
	case stripe.DisputeStatusWarningNeedsResponse, stripe.DisputeStatusWarningUnderReview, stripe.DisputeStatusWarningClosed:
		report.Dispute.Inquiry = true
	}
	if report.Amount, report.Currency, err = inAmount(amount, currency); err != nil {
		return topics.PSPReport{}, err
	}
	if fee < 0 { // given back
		report.Fee, _, err = inAmount(-fee, currency)
		report.Fee = -report.Fee
		return report, err
	}
	report.Fee, _, err = inAmount(fee, currency)
	return report, err
}

// reasonOf is the card scheme's code, and Stripe's word where there is none that the table knows.
func reasonOf(d *stripe.Dispute) string {
	code := d.NetworkReasonCode
	if details := d.PaymentMethodDetails; code == "" && details != nil && details.Card != nil {
		code = details.Card.NetworkReasonCode
	}
	if _, known := chargebacks.Lookup(code); known || d.Reason == "" {
		return code
	}
	return string(d.Reason)
}

// factOf is what an event says of a dispute, by its status.
func factOf(kind string, status stripe.DisputeStatus) (topics.DisputeFact, error) {
	switch kind {
	case disputeWithdrawn:
		return topics.FactFundsWithdrawn, nil
	case disputeReinstated:
		return topics.FactFundsReinstated, nil
	case disputeClosed:
		switch status {
		case stripe.DisputeStatusWon:
			return topics.FactWon, nil
		case stripe.DisputeStatusLost:
			return topics.FactLost, nil
		case stripe.DisputeStatusWarningClosed, stripe.DisputeStatusPrevented:
			return topics.FactClosed, nil
		}
	default: // created or updated
		switch status {
		case stripe.DisputeStatusNeedsResponse:
			return topics.FactOpened, nil
		case stripe.DisputeStatusWarningNeedsResponse:
			return topics.FactInquiry, nil
		case stripe.DisputeStatusUnderReview, stripe.DisputeStatusWarningUnderReview:
			return topics.FactEvidenceSubmitted, nil
		}
		if kind == disputeCreated { // it is over when it is told: closed says how
			return topics.FactOpened, nil
		}
	}
	return "", fmt.Errorf("%w: %s, and the dispute is %.32q", psp.ErrUnknownEvent, kind, status)
}

// movementOf finds the balance transaction that an event is about: the newest one that takes, or gives. What it does not name is
// not guessed from the dispute's amount.
func movementOf(d *stripe.Dispute, kind string) (*stripe.BalanceTransaction, error) {
	var found *stripe.BalanceTransaction
	for _, b := range d.BalanceTransactions {
		switch {
		case b == nil || b.ID == "" || b.Amount == 0 || (b.Amount < 0) != (kind == disputeWithdrawn):
		case found == nil || b.Created > found.Created:
			found = b
		case b.Created == found.Created:
			return nil, fmt.Errorf("balance transactions %.64q and %.64q are of one second: which one is told is not known", found.ID, b.ID)
		}
	}
	if found == nil {
		return nil, errors.New(`field "data.object.balance_transactions" names none that ` + map[bool]string{true: "takes", false: "gives"}[kind == disputeWithdrawn] + " money")
	}
	return found, nil
}
