package lifecycle_test

import (
	"time"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/topics"
)

func drawDuration(t *rapid.T) time.Duration {
	return rapid.SampledFrom([]time.Duration{
		0, time.Millisecond, time.Second, 2 * time.Minute, time.Hour, 8 * 24 * time.Hour,
	}).Draw(t, "later")
}

// encoded is what a decision publishes.
func encoded(t *rapid.T, events []topics.PaymentEvent) string {
	var all []byte
	for i := range events {
		data, err := topics.Marshal(&events[i])
		if err != nil {
			t.Fatal(err)
		}
		all = append(append(all, data...), '\n')
	}
	return string(all)
}
