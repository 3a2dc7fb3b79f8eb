package stream

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

// Letter is the record for a dead-letter topic in place of one that a role other than a Fold or a Transform cannot
// process. It stands in the partition of the original.
func Letter(role string, r *kgo.Record, reason DeadLetter, topic string) (*kgo.Record, error) {
	record := recordOf(r, r.Offset)
	letter, value, err := deadLetterOf(role, r.Topic, &record, r.Offset, reason, Limits{}.withDefaults().RecordBytes)
	if err != nil {
		return nil, err
	}
	output := Output{Topic: topic, Key: letter.Key, Value: value, Envelope: topics.Envelope{Type: topics.TypeDeadLetter}}
	complete(role, &record, 0, &output.Envelope)
	return outgoing(r.Partition, &output), nil
}
