// Package listtopic reads and writes risk.lists.v1, by which lists of the rules are edited while weir runs.
//
// The topic is an audit log, and what is in force is its fold (rules.EditLog): who reads the same records has the same
// lists, and a decision says how far it had read. Nobody has to be shut out for that, so any process may write.
package listtopic

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

// Reader follows the topic.
type Reader struct {
	topic *broker.Follower
	keep  rules.Keep
	log   *rules.EditLog
	edits *rules.Edits
	// Refused is called for each record that changes nothing, with why; nil: nobody is told.
	Refused func(offset int64, e *topics.ListEdit, why error)
	// Taken is called for each record that does; nil: nobody is told.
	Taken func(offset int64, e *topics.ListEdit)
}

// NewReader connects to the broker with options; Close ends it. keep says what the edits that it reads answer.
func NewReader(options []kgo.Opt, keep rules.Keep) (*Reader, error) {
	topic, err := broker.NewFollower(options, topics.Lists)
	if err != nil {
		return nil, err
	}
	return &Reader{topic: topic, keep: keep}, nil
}

// Close ends the reader.
func (r *Reader) Close() { r.topic.Close() }

// Read is how lists are edited by what the topic holds now. changed tells whether that is more than the last time. After an
// error the next call begins anew.
func (r *Reader) Read(ctx context.Context) (edits *rules.Edits, changed bool, err error) {
	if changed, err = r.topic.Read(ctx, func() { r.log = rules.NewEditLog(r.keep) }, r.take); err != nil {
		return nil, false, err
	}
	if changed {
		r.edits = r.log.Edits()
	}
	return r.edits, changed, nil
}

// take folds one record. One that cannot be read is passed over like one that does not fit: the lists must not stop at it.
func (r *Reader) take(record *kgo.Record) error {
	var e topics.ListEdit
	err := topics.Unmarshal(record.Value, &e)
	if err != nil {
		err = fmt.Errorf("the record cannot be read: %w", err)
	} else {
		err = r.log.Apply(record.Offset, &e, record.Timestamp)
	}
	switch {
	case err == nil && r.Taken != nil:
		r.Taken(record.Offset, &e)
	case err != nil && r.Refused != nil:
		r.Refused(record.Offset, &e, err)
	}
	return nil
}

// Waiting are the edits that wait for approval at a moment, by id, of the lists and tenants that of says.
func (r *Reader) Waiting(of func(list, tenant string) bool, at time.Time) map[string]rules.Waiting {
	return r.log.Waiting(of, at)
}
