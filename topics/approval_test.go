package topics

import (
	"strings"
	"testing"
)

// TestDecisionRefusal: what rules block is refused whoever approves, what they hold unless a second person did.
func TestDecisionRefusal(t *testing.T) {
	for _, c := range []struct {
		outcome    Outcome
		alone, two RefusalCode
	}{
		{"", "", ""}, {OutcomePass, "", ""}, {OutcomeAllow, "", ""},
		{OutcomeBlock, RefusedBlocked, RefusedBlocked}, {OutcomeHold, RefusedReviewRequired, ""}, {OutcomeStepUp, RefusedReviewRequired, ""},
	} {
		d := &Decision{Outcome: c.outcome}
		for approver, want := range map[string]RefusalCode{"": c.alone, "bob": c.two} {
			if r := d.Refusal(approver); (r != nil) != (want != "") || r != nil && (r.Code != want || r.Detail == "") {
				t.Errorf("%q approved by %q: %v, want %q", c.outcome, approver, r, want)
			}
		}
	}
	if r := (*Decision)(nil).Refusal(""); r != nil {
		t.Errorf("no rule was evaluated, and it is refused: %v", r)
	}
}

// TestApprovalsTakeTwoPeople, on refunds and on wallet commands.
func TestApprovalsTakeTwoPeople(t *testing.T) {
	const id = "0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b"
	long := strings.Repeat("a", maxPerson+1)
	for _, c := range []struct{ requested, approved, want string }{
		{"", "", ""}, {"ann", "", ""}, {"ann", "bob", ""},
		{"", "bob", "requested_by and approved_by: one is missing"},
		{"Ann", " ann", "approved_by: is the same as requested_by"},
		{"аnn", "bob", "requested_by and approved_by: one mixes letters"}, // a Cyrillic а
		{long, "", "requested_by"}, {"ann", long, ""},
		{"4111 1111 1111 1111", "", "requested_by: holds a card number"},
	} {
		refund := Command{CommandID: id, Type: CommandRefund, Tenant: "acme", CustomerID: "cus_1", PaymentID: "pay_0003_019ac1b2f5a87c3e9d10aa5be2c17f44",
			RequestedBy: c.requested, ApprovedBy: c.approved}
		bonus := WalletCommand{CommandID: id, Type: WalletCredit, Tenant: "acme", CustomerID: "cus_1", Amount: 1, Currency: "EUR", Reason: ReasonBonus,
			RequestedBy: c.requested, ApprovedBy: c.approved}
		for name, refusal := range map[string]*Refusal{"refund": refund.Validate(), "bonus": bonus.Validate()} {
			wrong := c.want != "" || c.approved == long
			if (refusal != nil) != wrong || refusal != nil && !strings.Contains(refusal.Detail, c.want) {
				t.Errorf("%s requested by %q, approved by %q: %v, want %q", name, c.requested, c.approved, refusal, c.want)
			}
		}
	}
	for field, c := range map[string]Command{
		"requested_by": {CommandID: id, Type: CommandVoid, Tenant: "acme", CustomerID: "cus_1", PaymentID: "pay_0003_019ac1b2f5a87c3e9d10aa5be2c17f44", RequestedBy: "ann"},
		"approved_by":  {CommandID: id, Type: CommandVoid, Tenant: "acme", CustomerID: "cus_1", PaymentID: "pay_0003_019ac1b2f5a87c3e9d10aa5be2c17f44", ApprovedBy: "bob"},
	} {
		if r := c.Validate(); r == nil || !strings.HasPrefix(r.Detail, field+": is set; only a command of type refund takes one") {
			t.Errorf("%s of a void: %v", field, r)
		}
	}
}
