package risk

import (
	"testing"
	"time"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// A command that does not say when it was issued is as old as its record, so that one that is read again when its id was
// forgotten is refused as too old.
func TestACommandIsAsOldAsItsRecord(t *testing.T) {
	written := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for given, want := range map[string]time.Time{``: written, `"issued_at":"2026-02-28T12:00:00Z",`: written.AddDate(0, 0, -1)} {
		record := stream.Record{Time: written, Value: []byte(create(`"region"`, given+`"region"`))}
		messages, _, err := assessAlone(testAssessor(t), readPayment, record)
		var in topics.AssessedCommand
		if err != nil || topics.Unmarshal(messages[0].Value, &in) != nil || !in.Command.IssuedAt.Equal(want) {
			t.Errorf("%q: issued at %s, want %s; %v", given, in.Command.IssuedAt, want, err)
		}
		record.Value = []byte(bet(`"region"`, given+`"region"`))
		messages, _, err = assessAlone(testAssessor(t), readWallet, record)
		var moved topics.AssessedWalletCommand
		if err != nil || topics.Unmarshal(messages[0].Value, &moved) != nil || !moved.Command.IssuedAt.Equal(want) {
			t.Errorf("%q: issued at %s, want %s; %v", given, moved.Command.IssuedAt, want, err)
		}
	}
}
