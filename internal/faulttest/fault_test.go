package faulttest

import "testing"

// TestBadInput gives one engine everything that is wrong, one after the other, and then looks whether anything of it has
// left a trace that it must not leave.
func TestBadInput(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, part := range []struct {
		name string
		run  func(*testing.T, *world)
	}{
		{"wrong requests", wrongRequests}, {"repeats", repeats}, {"smuggled", smuggled}, {"slow clients", slowClients},
		{"wrong commands", wrongCommands}, {"wrong records", wrongRecords},
		{"wrong webhooks", wrongWebhooks}, {"attacks", attacks}, {"regressions", regressions}, {"strangers", strangers}, {"broken rules", brokenRules}, {"cards over HTTP", cardsOverHTTP}, {"cards over Kafka", cardsOverKafka}, {"no card number stays", noCardNumberStays},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(t, w) })
	}
	w.served(t)
}
