package adyen_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/weirhq/weir/topics"
)

// TestHowACardIsKeptIsTold: who begins a payment, and what the card is kept for.
func TestHowACardIsKeptIsTold(t *testing.T) {
	var asked struct{ ShopperInteraction, RecurringProcessingModel string }
	peer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusInternalServerError)
	}))
	defer peer.Close()
	a := adapter(t, peer.URL)
	for _, c := range []struct {
		kept               *topics.StoredCredential
		interaction, model string
	}{
		{nil, "ContAuth", "CardOnFile"},
		{&topics.StoredCredential{Use: topics.CredentialFirst, Kind: topics.MandateRecurring}, "Ecommerce", "Subscription"},
		{&topics.StoredCredential{Use: topics.CredentialSubsequent, Kind: topics.MandateRecurring}, "ContAuth", "Subscription"},
		{&topics.StoredCredential{Use: topics.CredentialSubsequent, Kind: topics.MandateUnscheduled}, "ContAuth", "UnscheduledCardOnFile"},
	} {
		r := authorization("AUTHORISED")
		r.StoredCredential = c.kept
		if _, err := a.Do(t.Context(), r); err == nil {
			t.Error("a 500 is an answer")
		}
		if asked.ShopperInteraction != c.interaction || asked.RecurringProcessingModel != c.model {
			t.Errorf("%+v is asked for as %+v", c.kept, asked)
		}
	}
}

// TestStatementHasNoCharacterThatAdyenRefuses: Adyen takes fewer in a statement than card schemes do.
func TestStatementHasNoCharacterThatAdyenRefuses(t *testing.T) {
	var asked struct{ ShopperStatement string }
	peer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusInternalServerError)
	}))
	defer peer.Close()
	r := authorization("AUTHORISED")
	r.StatementDescriptor = "ACME & Co. #24-b/7"
	if _, err := adapter(t, peer.URL).Do(t.Context(), r); err == nil {
		t.Error("a 500 is an answer")
	}
	if want := "ACME   Co.  24-b/7"; asked.ShopperStatement != want {
		t.Errorf("%q, want %q", asked.ShopperStatement, want)
	}
}
