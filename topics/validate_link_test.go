package topics

import (
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
)

const linkOfTest = "lnk_0001_0190a3c45b6d7e8f9a0b1c2d3e4f5a6b"

func linkCommandOf(kind LinkCommandType, change func(*LinkCommand)) LinkCommand {
	c := LinkCommand{CommandID: "0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b", Type: kind, Tenant: "acme", CustomerID: "cus_1"}
	if kind == LinkCreate {
		c.Amount, c.Currency, c.Description, c.ExpiresAt = 1050, "EUR", "shoes", time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	} else {
		c.LinkID = linkOfTest
	}
	if change != nil {
		change(&c)
	}
	return c
}

func TestLinkCommandsAreValidated(t *testing.T) {
	for name, tc := range map[string]struct {
		kind   LinkCommandType
		change func(*LinkCommand)
		want   string // "" where it is valid
	}{
		"create":               {LinkCreate, nil, ""},
		"create with a page":   {LinkCreate, func(c *LinkCommand) { c.TokenHash, c.MaxUses = HashLinkSecret("s"), MaxLinkUses }, ""},
		"cancel":               {LinkCancel, func(c *LinkCommand) { c.Reason = "twice" }, ""},
		"no customer":          {LinkCreate, func(c *LinkCommand) { c.CustomerID = "" }, "invalid: customer_id: is missing"},
		"no amount":            {LinkCreate, func(c *LinkCommand) { c.Amount = 0 }, "invalid: amount: is missing"},
		"no currency":          {LinkCreate, func(c *LinkCommand) { c.Currency = "" }, "invalid: currency: is missing"},
		"no description":       {LinkCreate, func(c *LinkCommand) { c.Description = "" }, "invalid: description: is missing"},
		"no end":               {LinkCreate, func(c *LinkCommand) { c.ExpiresAt = time.Time{} }, "invalid: expires_at: is missing"},
		"too many uses":        {LinkCreate, func(c *LinkCommand) { c.MaxUses = MaxLinkUses + 1 }, "invalid: max_uses: is not between 1 and 1000"},
		"an id of its own":     {LinkCreate, func(c *LinkCommand) { c.LinkID = linkOfTest }, "invalid: link_id: is set"},
		"a secret, not hashed": {LinkCreate, func(c *LinkCommand) { c.TokenHash = "secret" }, "invalid: token_hash: has the wrong length"},
		"a hash in capitals":   {LinkCreate, func(c *LinkCommand) { c.TokenHash = strings.ToUpper(HashLinkSecret("s")) }, "invalid: token_hash: is not the SHA-256"},
		"a script to return":   {LinkCreate, func(c *LinkCommand) { c.ReturnURL = "javascript:alert(1)" }, "invalid: return_url"},
		"a reason to create":   {LinkCreate, func(c *LinkCommand) { c.Reason = "odd" }, "invalid: reason: is set"},
		"no link":              {LinkCancel, func(c *LinkCommand) { c.LinkID = "" }, "invalid: link_id: is missing"},
		"a payment's id":       {LinkCancel, func(c *LinkCommand) { c.LinkID = "pay_0001_0190a3c45b6d7e8f9a0b1c2d3e4f5a6b" }, "invalid: link_id: is not"},
		"an amount to cancel":  {LinkCancel, func(c *LinkCommand) { c.Amount = 5 }, "invalid: amount: is set"},
		"a card number":        {LinkCreate, func(c *LinkCommand) { c.Description = "card 4111111111111111" }, "card_number: description"},
	} {
		t.Run(name, func(t *testing.T) {
			c := linkCommandOf(tc.kind, tc.change)
			got := ""
			if refusal := c.Validate(); refusal != nil {
				got = refusal.String()
			}
			if !strings.HasPrefix(got, tc.want) || (tc.want == "") != (got == "") {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// TestLinkOfAPayment: only the command that creates a payment names its link.
func TestLinkOfAPayment(t *testing.T) {
	c := Command{CommandID: "0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b", Type: CommandCreate, Tenant: "acme", CustomerID: "cus_1", Amount: 5, Currency: "EUR",
		Card: &Card{Token: "tok_1"}, LinkID: linkOfTest}
	if refusal := c.Validate(); refusal != nil {
		t.Errorf("a payment by a link is refused: %v", refusal)
	}
	other := c
	if other.LinkID = ""; other.Fingerprint() == c.Fingerprint() {
		t.Error("a payment by a link and one by none are the same command")
	}
	c.LinkID = "lnk_1"
	if refusal := c.Validate(); refusal == nil || !strings.HasPrefix(refusal.Detail, "link_id: is not") {
		t.Errorf("a malformed link: %v", refusal)
	}
	cancel := Command{CommandID: c.CommandID, Type: CommandCancel, Tenant: "acme", CustomerID: "cus_1", PaymentID: "pay_0001_0190a3c45b6d7e8f9a0b1c2d3e4f5a6b", LinkID: linkOfTest}
	if refusal := cancel.Validate(); refusal == nil || !strings.HasPrefix(refusal.Detail, "link_id: is set") {
		t.Errorf("a cancellation that names a link: %v", refusal)
	}
}

func TestLinkIDs(t *testing.T) {
	command := uuid.Must(uuid.FromString("0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b"))
	id := NewLinkID("acme", "cus_1", command, 64)
	if back, err := ParseLinkID(id.String()); err != nil || back != id || !IsLinkID(id.String()) || IsPayoutID(id.String()) {
		t.Errorf("%s is read back as %v (%v)", id, back, err)
	}
	if id.Partition != PartitionOf("acme", "cus_1", 64) || id.UUID == NewLinkID("other", "cus_1", command, 64).UUID || id.UUID == PayoutKey("acme", command) {
		t.Errorf("%s is not in its customer's partition, or another's too", id)
	}
}
