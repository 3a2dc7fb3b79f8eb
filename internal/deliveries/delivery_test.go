package deliveries

import (
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/deadletters"
	"github.com/weirhq/weir/topics"
)

// TestConclude: which of what is known of a delivery says what became of it.
func TestConclude(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	letter := &deadletters.Letter{ID: deadletters.ID{Topic: topics.PSPWebhooksDeadLetters, Offset: 5}, Record: topics.DeadLetter{Reason: topics.RefusedUnknownEvent, Detail: "odd"}}
	byPlace := letters{deliveries: map[ID]*deadletters.Letter{{1, 7}: letter}}
	byReport := letters{reports: map[string]*deadletters.Letter{"r1": letter}}
	for name, c := range map[string]struct {
		delivery Delivery
		letters  letters
		age      time.Duration
		want     State
	}{
		"folded":                        {Delivery{Record: "0-1"}, letters{}, 0, Applied},
		"put aside, replayed, folded":   {Delivery{Record: "0-1"}, byPlace, 0, Applied},
		"parked":                        {Delivery{ParkedUntil: now}, letters{}, 0, Parked},
		"put aside and parked again":    {Delivery{ParkedUntil: now}, byPlace, 0, Parked},
		"put aside":                     {Delivery{}, byPlace, 0, DeadLettered},
		"its report was put aside":      {Delivery{Report: &Report{ID: "r1"}}, byReport, 0, DeadLettered},
		"another report was":            {Delivery{Report: &Report{ID: "r2"}}, byReport, 0, Waiting},
		"on its way":                    {Delivery{mapError: errors.New("no PSP")}, letters{}, time.Hour, Waiting},
		"too old to tell":               {Delivery{}, letters{}, topics.DedupHorizon + time.Second, Forgotten},
		"too old, and put aside before": {Delivery{}, byPlace, topics.DedupHorizon + time.Second, DeadLettered},
	} {
		d := c.delivery
		d.ID, d.record = ID{1, 7}, &kgo.Record{Partition: 1, Offset: 7, Timestamp: now.Add(-c.age)}
		d.conclude(c.letters, now)
		if d.State != c.want || (d.State == DeadLettered) != (d.Letter != "" && d.Reason == topics.RefusedUnknownEvent && d.Why == "odd") {
			t.Errorf("%s: %+v, want %s", name, d, c.want)
		}
	}
}

func TestRefusal(t *testing.T) {
	now := time.Unix(1_700_000_000, 0).UTC()
	verified := kgo.RecordHeader{Key: topics.HeaderVerified, Value: []byte("true")}
	for name, c := range map[string]struct {
		age     time.Duration
		headers []kgo.RecordHeader
		taken   bool
	}{
		"fresh":                 {time.Hour, []kgo.RecordHeader{verified}, true},
		"almost too old":        {topics.DedupHorizon - time.Second, []kgo.RecordHeader{verified}, true},
		"too old":               {topics.DedupHorizon, []kgo.RecordHeader{verified}, false},
		"not verified":          {time.Hour, nil, false},
		"verified says no":      {time.Hour, []kgo.RecordHeader{{Key: topics.HeaderVerified, Value: []byte("false")}}, false},
		"replayed, from before": {time.Hour, []kgo.RecordHeader{verified, {Key: topics.HeaderFirstSeen, Value: []byte("2023-01-01T00:00:00Z")}}, false},
	} {
		d := Delivery{record: &kgo.Record{Timestamp: now.Add(-c.age), Headers: c.headers}}
		if why := d.Refusal(now); (why == "") != c.taken {
			t.Errorf("%s: refused: %q", name, why)
		}
	}
}

func TestParseID(t *testing.T) {
	if id, err := ParseID("3:1042"); err != nil || id != (ID{3, 1042}) || id.String() != "3:1042" {
		t.Errorf("%v, %v", id, err)
	}
	for _, s := range []string{"", "3", "3:", ":4", "-1:4", "3:-4", "3:4:5", "a:b", "99999999999:1"} {
		if id, err := ParseID(s); err == nil {
			t.Errorf("%q: %v", s, id)
		}
	}
}
