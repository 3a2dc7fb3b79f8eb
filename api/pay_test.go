package api

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

// TestTheSecretIsNotPublished: the command of a payment by a link goes to Kafka, its return URL to the PSP.
func TestTheSecretIsNotPublished(t *testing.T) {
	a := &API{}
	a.pages.Key, a.pages.URL = []byte("0123456789abcdef0123456789abcdef"), "https://pay.example"
	l := &view.Link{}
	l.ID, l.Tenant, l.CustomerID, l.Amount, l.Currency = "lnk_0000_018e0000000070008000000000000001", "acme", "anna", 100, "EUR"
	id := uuid.Must(uuid.NewV7())
	o := a.attempt(&call{api: a, request: httptest.NewRequest("POST", "/", nil)}, l, &LinkMethod{Type: "qr", Name: "pix"}, id)
	value, err := topics.Marshal(&o.command)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(value), a.pages.secret(l.ID)) {
		t.Errorf("the command that is published to %s holds the secret of the link's address: %s", topics.Commands, value)
	}
	if want := "https://pay.example/pay/" + l.ID + "/" + id.String() + "."; !strings.HasPrefix(o.command.ReturnURL, want) {
		t.Errorf("payers return to %s, want %s…", o.command.ReturnURL, want)
	}
	for _, guess := range []string{"", "x", a.pages.derive("attempt", l.ID+"\x00"+id.String()), a.pages.secret(l.ID)} {
		c := &call{api: a, request: httptest.NewRequest("GET", "/", nil)}
		c.request.SetPathValue("token", l.ID)
		c.request.SetPathValue("attempt", id.String()+"."+guess)
		if _, _, _, err := c.payAttempt(); err == nil || problemOf(err).Status != 404 {
			t.Errorf("the proof %q opens the page of a payment: %v", guess, err)
		}
	}
}
