package topics

import (
	"strings"
	"testing"

	"github.com/gofrs/uuid/v5"
)

const payoutOfTest = "po_0001_0190a3c45b6d7e8f9a0b1c2d3e4f5a6b"

func payoutCommand(kind PayoutCommandType, change func(*PayoutCommand)) PayoutCommand {
	c := PayoutCommand{CommandID: "0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b", Type: kind, Tenant: "acme", CustomerID: "cus_1"}
	switch kind {
	case PayoutCreate:
		c.Amount, c.Currency, c.RequestedBy = 1050, "EUR", "ana"
	case PayoutApprove:
		c.PayoutID, c.ApprovedBy = payoutOfTest, "ben"
	default:
		c.PayoutID = payoutOfTest
	}
	if change != nil {
		change(&c)
	}
	return c
}

func TestPayoutCommandsAreValidated(t *testing.T) {
	for name, tc := range map[string]struct {
		kind   PayoutCommandType
		change func(*PayoutCommand)
		want   string // "" where it is valid
	}{
		"create":                     {PayoutCreate, nil, ""},
		"create to a card":           {PayoutCreate, func(c *PayoutCommand) { c.Card = &Card{Token: "tok_1"} }, ""},
		"approve":                    {PayoutApprove, nil, ""},
		"approve, both named":        {PayoutApprove, func(c *PayoutCommand) { c.RequestedBy = "ana" }, ""},
		"reject":                     {PayoutReject, func(c *PayoutCommand) { c.Reason = "odd" }, ""},
		"cancel":                     {PayoutCancel, nil, ""},
		"no customer":                {PayoutCreate, func(c *PayoutCommand) { c.CustomerID = "" }, "invalid: customer_id: is missing"},
		"no amount":                  {PayoutCreate, func(c *PayoutCommand) { c.Amount = 0 }, "invalid: amount: is missing"},
		"no currency":                {PayoutCreate, func(c *PayoutCommand) { c.Currency = "" }, "invalid: currency: is missing"},
		"an id of its own":           {PayoutCreate, func(c *PayoutCommand) { c.PayoutID = payoutOfTest }, "invalid: payout_id: is set"},
		"approved by its creation":   {PayoutCreate, func(c *PayoutCommand) { c.ApprovedBy = "ben" }, "invalid: approved_by: is set"},
		"a reason to create":         {PayoutCreate, func(c *PayoutCommand) { c.Reason = "odd" }, "invalid: reason: is set"},
		"mixed scripts":              {PayoutCreate, func(c *PayoutCommand) { c.RequestedBy = "\u0430na" }, "invalid: requested_by: mixes"},
		"no payout":                  {PayoutApprove, func(c *PayoutCommand) { c.PayoutID = "" }, "invalid: payout_id: is missing"},
		"a payment's id":             {PayoutApprove, func(c *PayoutCommand) { c.PayoutID = "pay_0001_0190a3c45b6d7e8f9a0b1c2d3e4f5a6b" }, "invalid: payout_id: is not"},
		"an amount to approve":       {PayoutApprove, func(c *PayoutCommand) { c.Amount = 5 }, "invalid: amount: is set"},
		"approved by nobody":         {PayoutApprove, func(c *PayoutCommand) { c.ApprovedBy = "" }, "invalid: approved_by: is missing"},
		"approved by the same":       {PayoutApprove, func(c *PayoutCommand) { c.RequestedBy = " BEN" }, "invalid: approved_by: is the same"},
		"rejected with an approver":  {PayoutReject, func(c *PayoutCommand) { c.ApprovedBy = "ben" }, "invalid: approved_by: is set"},
		"a card to cancel":           {PayoutCancel, func(c *PayoutCommand) { c.Card = &Card{Token: "tok_1"} }, "invalid: card: is set"},
		"a card number as the token": {PayoutCreate, func(c *PayoutCommand) { c.Card = &Card{Token: "4111 1111 1111 1111"} }, "card_number: card.token"},
		"a card number to explain":   {PayoutReject, func(c *PayoutCommand) { c.Reason = "card 4111111111111111" }, "card_number: reason"},
	} {
		t.Run(name, func(t *testing.T) {
			c := payoutCommand(tc.kind, tc.change)
			got := ""
			if refusal := c.Validate(); refusal != nil {
				got = refusal.String()
			}
			if tc.want == "" && got != "" || !strings.HasPrefix(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// TestPayoutIDsAreNobodyElses: the same command id of another tenant, or of a payment, names something else.
func TestPayoutIDsAreNobodyElses(t *testing.T) {
	command := uuid.Must(uuid.FromString("0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b"))
	id := NewPayoutID("acme", "cus_1", command, 64)
	if id.UUID == command || id.UUID == PayoutKey("other", command) || id.Partition != PartitionOf("acme", "cus_1", 64) {
		t.Errorf("the payout's id %s is one of others", id)
	}
	if back, err := ParsePayoutID(id.String()); err != nil || back != id {
		t.Errorf("%s is read as %v, %v", id, back, err)
	}
	payment := PaymentID{Partition: 7, UUID: command}
	for reference, want := range map[string]int32{id.String(): id.Partition, payment.String(): 7} {
		if got, err := PartitionOfReference(reference); err != nil || got != want {
			t.Errorf("partition of %s: got %d, %v, want %d", reference, got, err, want)
		}
	}
	for _, wrong := range []string{"", "po_", "po_0001", "pay_0001", id.String() + "0", "po_zzzz" + id.String()[7:]} {
		if _, err := PartitionOfReference(wrong); err == nil {
			t.Errorf("%q is taken for an id", wrong)
		}
	}
	if _, err := ParsePaymentID(id.String()); err == nil {
		t.Error("a payout's id is taken for a payment's")
	}
}
