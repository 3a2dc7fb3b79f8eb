package payments

import (
	"fmt"
	"strings"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/processors/payments/disputes"
	"github.com/weirhq/weir/processors/payments/lifecycle"
	"github.com/weirhq/weir/processors/payments/links"
	"github.com/weirhq/weir/processors/payments/payouts"
	"github.com/weirhq/weir/processors/payments/wallets"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

type paymentKey = uuid.UUID // within the partition

// input is a decoded record.
type input struct {
	lifecycle.Input
	err     error      // it does not decode
	id      inputID    // for deduplication; zero where the aggregate itself tells a repeat
	payment paymentKey // zero where the record names none of this partition
	// fingerprint is of what a command asks for; of a webhook's fact it is anyFingerprint.
	fingerprint int64
	refused     string // why it does not belong to this partition
	wallet      walletInput
	payout      payoutInput
	link        linkInput
	dispute     disputeInput
	closing     *closing                      // nil where the record closes no period
	event       *topics.AssessedCustomerEvent // nil where the record is no customer event
	customer    *topics.CustomerCommand       // nil where the record is no command on a customer's record
}

// walletInput is the part of an input that is for a wallet; its Command and Expiry are nil where none is.
type walletInput struct {
	wallets.Input
	customer    customerKey
	hold, round uuid.UUID // keys; zero where the input names none
}

func (w *walletInput) is() bool { return w.Command != nil || w.Expiry != nil }

// decode reads a record by the type in its header. The error of a record that is not one is kept in the input.
func (s *partition) decode(r *stream.Record) *input {
	in := &input{Input: lifecycle.Input{Partition: r.Partition, Position: r.Position}}
	switch kind := typeOf(r.Headers); kind {
	case topics.TypeAssessedCommand:
		var v topics.AssessedCommand
		if in.err = topics.Unmarshal(r.Value, &v); in.err == nil {
			in.Command = &v
			in.err = s.command(in, &v.Command)
		}
	case topics.TypePSPReport:
		var v topics.PSPReport
		if in.err = topics.Unmarshal(r.Value, &v); in.err != nil {
			break
		}
		switch {
		case topics.IsPayoutID(v.PaymentID):
			in.payout.Input = payouts.Input{Partition: r.Partition, Position: r.Position, Report: &v}
		case v.Operation.OfDispute():
			in.dispute.Input = disputes.Input{Partition: r.Partition, Position: r.Position, Report: &v}
		default:
			in.Report = &v
		}
		in.err = s.report(in, &v)
	case topics.TypeTimerDue:
		var v topics.TimerDue
		if in.err = topics.Unmarshal(r.Value, &v); in.err != nil {
			break
		}
		if v.Kind == topics.TimerHoldExpire {
			in.wallet.Input = wallets.Input{Partition: r.Partition, Position: r.Position, Expiry: &v}
			in.err = s.expiry(&in.wallet, &v)
			break
		}
		if topics.IsPayoutID(v.PaymentID) {
			in.payout.Input = payouts.Input{Partition: r.Partition, Position: r.Position, Timer: &v}
			in.err = s.ownPayout(in, v.PaymentID, "timer")
			break
		}
		if topics.IsLinkID(v.PaymentID) {
			in.link.Input = links.Input{Partition: r.Partition, Position: r.Position, Timer: &v}
			in.err = s.linkTimer(in, v.PaymentID)
			break
		}
		if topics.IsDisputeID(v.PaymentID) {
			in.dispute.Input = disputes.Input{Partition: r.Partition, Position: r.Position, Timer: &v}
			in.err = s.disputeTimer(in, v.PaymentID)
			break
		}
		in.Timer = &v
		_, in.err = s.address(in, v.PaymentID)
	case topics.TypePeriodClose:
		var v topics.PeriodClose
		if in.err = topics.Unmarshal(r.Value, &v); in.err == nil {
			in.err = s.periodClose(in, v)
		}
	case topics.TypeAssessedWallet:
		var v topics.AssessedWalletCommand
		if in.err = topics.Unmarshal(r.Value, &v); in.err == nil {
			in.wallet.Input = wallets.Input{Partition: r.Partition, Position: r.Position, Command: &v}
			in.err = s.walletCommand(in, &v)
		}
	case topics.TypeAssessedPayout:
		var v topics.AssessedPayoutCommand
		if in.err = topics.Unmarshal(r.Value, &v); in.err == nil {
			in.payout.Input = payouts.Input{Partition: r.Partition, Position: r.Position, Command: &v}
			in.err = s.payoutCommand(in, &v)
		}
	case topics.TypeAssessedLink:
		var v topics.AssessedLinkCommand
		if in.err = topics.Unmarshal(r.Value, &v); in.err == nil {
			in.link.Input = links.Input{Partition: r.Partition, Position: r.Position, Command: &v}
			in.err = s.linkCommand(in, &v)
		}
	case topics.TypeAssessedDispute:
		var v topics.AssessedDisputeCommand
		if in.err = topics.Unmarshal(r.Value, &v); in.err == nil {
			in.dispute.Input = disputes.Input{Partition: r.Partition, Position: r.Position, Command: &v}
			in.err = s.disputeCommand(in, &v)
		}
	case topics.TypeAssessedAuthorization:
		var v topics.AssessedAuthorization
		if in.err = topics.Unmarshal(r.Value, &v); in.err == nil {
			in.Review = &v
			in.err = s.own(in, v.Review.PaymentID, "review")
		}
	case topics.TypeAssessedCustomerEvent:
		var v topics.AssessedCustomerEvent
		if in.err = topics.Unmarshal(r.Value, &v); in.err == nil {
			in.event = &v
			in.err = s.customerEvent(in, &v)
		}
	case topics.TypeCustomerCommand:
		var v topics.CustomerCommand
		if in.err = topics.Unmarshal(r.Value, &v); in.err == nil {
			in.err = s.customerCommand(in, &v)
		}
	default:
		in.err = fmt.Errorf("header %s: %.64q is not a kind of record of %s", topics.HeaderType, kind, topics.Inbox)
	}
	return in
}

func typeOf(headers []topics.Header) string {
	for i := range headers {
		if headers[i].Key == topics.HeaderType {
			return string(headers[i].Value)
		}
	}
	return ""
}

// command finds the ids of a command. Tenant and command id are needed even to refuse it.
func (s *partition) command(in *input, c *topics.Command) error {
	id, err := uuid.FromString(c.CommandID)
	if err != nil || c.Tenant == "" {
		return fmt.Errorf("command_id %.64q and tenant %.64q: want a UUID and a name", c.CommandID, c.Tenant)
	}
	in.id, in.fingerprint = newInputID(ofCommand, c.Tenant, id), c.Fingerprint()
	if c.Type == topics.CommandCreate {
		in.payment = id
		s.belongs(in, c.Tenant, customerOf(c, id))
		return nil
	}
	if c.CustomerID != "" {
		s.belongs(in, c.Tenant, c.CustomerID)
	}
	// A malformed payment id, or one of another partition, where this customer has none, names no payment.
	if pid, err := topics.ParsePaymentID(c.PaymentID); err == nil && pid.Partition == s.number {
		in.payment = pid.UUID
	}
	return nil
}

// walletCommand finds the ids of a wallet command, as command does.
func (s *partition) walletCommand(in *input, v *topics.AssessedWalletCommand) error {
	c := &v.Command
	id, err := uuid.FromString(c.CommandID)
	if err != nil || c.Tenant == "" {
		return fmt.Errorf("command_id %.64q and tenant %.64q: want a UUID and a name", c.CommandID, c.Tenant)
	}
	in.id, in.fingerprint = newInputID(ofCommand, c.Tenant, id), c.Fingerprint()
	if c.CustomerID == "" {
		return nil // refused as it stands
	}
	s.belongs(in, c.Tenant, c.CustomerID)
	if v.Refusal != nil {
		return nil
	}
	w := &in.wallet
	w.customer = customerKey{c.Tenant, c.CustomerID}
	if c.RoundID != "" {
		w.round = wallets.KeyOf(c.Tenant, c.CustomerID, c.RoundID)
	}
	switch c.Type {
	case topics.WalletHold:
		w.hold = wallets.KeyOf(c.Tenant, c.CustomerID, id.String())
	case topics.WalletCaptureHold, topics.WalletReleaseHold:
		w.hold = wallets.KeyOf(c.Tenant, c.CustomerID, strings.ToLower(c.HoldID))
	}
	return nil
}

// expiry finds the hold that has run out.
func (s *partition) expiry(w *walletInput, t *topics.TimerDue) (err error) {
	if w.hold, err = uuid.FromString(t.HoldKey); err != nil || t.Tenant == "" || t.CustomerID == "" {
		return fmt.Errorf("hold_key %.64q, tenant %.64q and customer_id %.64q: want 32 hex digits and names", t.HoldKey, t.Tenant, t.CustomerID)
	}
	w.customer = customerKey{t.Tenant, t.CustomerID}
	return nil
}

// customerOf is whose payment a create command opens.
func customerOf(c *topics.Command, id uuid.UUID) string {
	if c.CustomerID == "" {
		return topics.GuestCustomer(id)
	}
	return c.CustomerID
}

// belongs notes a command whose customer's partition is another one.
func (s *partition) belongs(in *input, tenant, customer string) {
	if want := topics.PartitionOf(tenant, customer, s.config.Partitions); want != s.number {
		in.refused = fmt.Sprintf("the customer's partition is %d, the record stands in %d", want, s.number)
	}
}

func (s *partition) report(in *input, r *topics.PSPReport) error {
	if r.Source == topics.SourceWebhook {
		id, err := uuid.FromString(r.ReportID)
		if err != nil {
			return fmt.Errorf("report_id %.64q: want a UUID", r.ReportID)
		}
		in.id = newInputID(ofReport, r.Tenant, id)
	}
	if in.payout.is() {
		return s.ownPayout(in, r.PaymentID, "report")
	}
	if in.dispute.is() {
		return s.disputeReport(in, r)
	}
	return s.own(in, r.PaymentID, "report")
}

// own finds the payment that a record of this partition must name.
func (s *partition) own(in *input, paymentID, what string) error {
	pid, err := s.address(in, paymentID)
	if err != nil {
		return err
	}
	if pid.Partition != s.number {
		return fmt.Errorf("payment %s stands in partition %d, the %s in %d", paymentID, pid.Partition, what, s.number)
	}
	return nil
}

func (s *partition) address(in *input, paymentID string) (topics.PaymentID, error) {
	pid, err := topics.ParsePaymentID(paymentID)
	if err == nil && pid.Partition == s.number {
		in.payment = pid.UUID
	}
	return pid, err
}

// reads says whether the input is a command about a payment that reads what the customer has.
func (in *input) reads() bool {
	return in.Command != nil && (in.Command.Command.Type == topics.CommandRefund || in.Command.Command.Type == topics.CommandIncrement)
}
