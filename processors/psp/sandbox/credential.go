package sandbox

import "strings"

// StoredCredential tells how a card is kept and used.
type StoredCredential struct {
	Use  string `json:"use"`  // first: keep the card of a customer who agrees; subsequent: use it without the customer
	Type string `json:"type"` // recurring or unscheduled
	// NetworkReference is that of the first authorization; subsequent: required.
	NetworkReference string `json:"network_reference,omitempty"`
}

// keptMark stands in the token of a card that is kept, after the name of the token that it was kept by.
const keptMark = ".kept_"

func (c *StoredCredential) subsequent() bool { return c != nil && c.Use == "subsequent" }

// check finds what is wrong with how an authorization keeps or uses its card.
func (c *StoredCredential) check(token string) *refusal {
	switch {
	case c == nil:
	case c.Use != "first" && c.Use != "subsequent":
		return refuse(CodeInvalid, "stored_credential.use %q: want first or subsequent", c.Use)
	case c.Type != "recurring" && c.Type != "unscheduled":
		return refuse(CodeInvalid, "stored_credential.type %q: want recurring or unscheduled", c.Type)
	case c.subsequent() && !strings.Contains(token, keptMark):
		return refuse(CodeInvalid, "card token: no first authorization has kept it")
	case c.subsequent() && c.NetworkReference == "":
		return refuse(CodeInvalid, "stored_credential.network_reference: is missing; want that of the first authorization")
	}
	return nil
}

// keeps is the token of the card that an authorization keeps, "" where it keeps none.
func (r *Request) keeps(key string) string {
	if r.StoredCredential == nil || r.StoredCredential.subsequent() || r.Card == nil {
		return ""
	}
	name, _, _ := strings.Cut(r.Card.Token, ".")
	return name + keptMark + deriveID("", key)
}

// without is what a token does where its card was kept and the customer is not there: nobody passes a challenge.
func (r *Request) without(token *Token) *Token {
	if !r.StoredCredential.subsequent() {
		return token
	}
	alone := *token
	alone.challenge = false
	if r.attempt < len(token.later) {
		alone.decline = token.later[r.attempt]
	}
	return &alone
}
