package api

import (
	"net/http"
	"testing"

	"github.com/weirhq/weir/topics"
)

// What is done to a payment is looked at by the rules of its region: where the installation has none, the API names it.
func TestAPaymentKeepsItsRegion(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Keys[2].Region = "us" }).ready(t)
	f.withEngine(t)
	path := "/v1/intents/" + want(t, f.post(t, "/v1/intents", "create", goodCreate), 201, "create").intent(t).ID // in eu
	as := func(secret string) answer {
		return f.call(t, http.MethodPost, path+"/authorize", "", header{"Authorization": "Bearer " + secret, "Idempotency-Key": "authorize-" + secret})
	}
	if a := want(t, as(secondSecret), 422, "by an engine of another region"); a.error(t).Error != string(topics.RefusedRegionMismatch) {
		t.Errorf("got %s", a.body)
	}
	if intent := want(t, as(tillSecret), 200, "by an engine without a region").intent(t); intent.Status != "authorized" {
		t.Errorf("got %+v", intent)
	}
}
