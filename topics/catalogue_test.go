package topics

import (
	"regexp"
	"testing"
)

func TestCatalogueIsComplete(t *testing.T) {
	name := regexp.MustCompile(`^[a-z]+(\.[a-z]+)*\.v[1-9]$`)
	seen := map[string]bool{}
	for _, topic := range Catalogue() {
		if seen[topic.Name] || !name.MatchString(topic.Name) {
			t.Errorf("%s: named twice, or neither area.noun.vN nor area.vN", topic.Name)
		}
		seen[topic.Name] = true
		if topic.Purpose == "" || topic.Key == "" || len(topic.Writers) == 0 || len(topic.Readers) == 0 {
			t.Errorf("%s: purpose, key, writers or readers are missing: %+v", topic.Name, topic)
		}
		if len(topic.Types) == 0 {
			t.Errorf("%s: has no types", topic.Name)
		}
		if letters, ok := Lookup(topic.DeadLetters); topic.DeadLetters != "" && (!ok || letters.Types[0] != TypeDeadLetter || letters.DeadLetters != "") {
			t.Errorf("%s: %s is not a dead-letter topic", topic.Name, topic.DeadLetters)
		}
		if len(topic.Values) != 0 && (topic.Value != nil || len(topic.Values) != len(topic.Types)) {
			t.Errorf("%s: want one of Values for each of Types and no Value", topic.Name)
		}
		if topic.Compacted && topic.Retention != 0 {
			t.Errorf("%s: is compacted and yet deleted by age", topic.Name)
		}
	}
	for _, want := range []string{Commands, Inbox, Events, Entries, Decisions, PSPRequests, PSPWebhooks, Positions,
		WalletCommands, WalletEvents, PayoutCommands, PayoutEvents, CustomerEvents, PayoutCommandsDeadLetters, WalletCommandsDeadLetters, CustomerEventsDeadLetters, CommandsDeadLetters, InboxDeadLetters, PSPRequestsDeadLetters, PSPWebhooksDeadLetters} {
		if !seen[want] {
			t.Errorf("%s is not in the catalogue", want)
		}
	}
}

// TestRetentionCoversTheHorizon: what is replayed must not be older than what deduplication remembers, and must not be
// deleted earlier either.
func TestRetentionCoversTheHorizon(t *testing.T) {
	for _, name := range []string{Commands, WalletCommands, PayoutCommands, CustomerEvents, Inbox} {
		topic, ok := Lookup(name)
		if !ok || topic.Retention < DedupHorizon {
			t.Errorf("%s: retention %v, want at least %v", name, topic.Retention, DedupHorizon)
		}
	}
	for _, name := range []string{Events, WalletEvents, PayoutEvents, Entries, LedgerCheckpoints, Decisions} {
		topic, ok := Lookup(name)
		if !ok || topic.Retention != 0 || topic.Compacted {
			t.Errorf("%s: must be kept for ever", name)
		}
	}
}
