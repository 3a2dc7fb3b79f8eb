// Package deadletters reads the dead-letter topics for people, and writes records back to where they came from.
//
// Writing one back is safe only where whatever it says is recognised should it have been said before: Refusal knows for
// which letters that holds. It has no state of its own; that a record is a replay stands in the record's headers.
package deadletters

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

// ID names a letter, or any record, by its place.
type ID struct {
	Topic     string
	Partition int32
	Offset    int64
}

func (id ID) String() string { return fmt.Sprintf("%s:%d:%d", id.Topic, id.Partition, id.Offset) }

// ParseID reads what String wrote. Without a topic, partition:offset is of the topic that is given, unless that is "".
func ParseID(s, topic string) (ID, error) {
	parts := strings.Split(s, ":")
	if len(parts) == 2 && topic != "" {
		parts = append([]string{topic}, parts...)
	}
	if len(parts) != 3 || parts[0] == "" {
		return ID{}, fmt.Errorf("letter %.100q: want topic:partition:offset, or partition:offset of one topic", s)
	}
	partition, err1 := strconv.ParseInt(parts[1], 10, 32)
	offset, err2 := strconv.ParseInt(parts[2], 10, 64)
	if err1 != nil || err2 != nil || partition < 0 || offset < 0 {
		return ID{}, fmt.Errorf("letter %.100q: partition and offset: want integers from 0 on", s)
	}
	return ID{parts[0], int32(partition), offset}, nil
}

// Letter is one record of a dead-letter topic.
type Letter struct {
	ID       ID
	PutAside time.Time
	Record   topics.DeadLetter // as stored; zero where Err is set
	Err      error             // it is no dead letter

	ReplayOf string // the letter from which the record was written again before it was put aside; "" for none
	// Successor is the letter that a replay of this one led to; zero where none is known. Choose fills it in.
	Successor ID
}

func letterOf(r *kgo.Record) *Letter {
	l := &Letter{ID: ID{r.Topic, r.Partition, r.Offset}, PutAside: r.Timestamp.UTC()}
	if err := topics.Unmarshal(r.Value, &l.Record); err != nil {
		l.Err, l.Record = err, topics.DeadLetter{}
		return l
	}
	l.ReplayOf, _ = l.header(topics.HeaderReplayOf)
	return l
}

// header is the first header of the record that has this key.
func (l *Letter) header(key string) (value string, found bool) {
	for _, h := range l.Record.Headers {
		if h.Key == key {
			return string(h.Value), true
		}
	}
	return "", false
}

// Origin is where the record stood.
func (l *Letter) Origin() ID { return ID{l.Record.Topic, l.Record.Partition, l.Record.Offset} }

// firstSeen is the time from which on another copy of the record may have been applied.
func (l *Letter) firstSeen() time.Time {
	first := l.PutAside
	if l.Record.Time.Before(first) {
		first = l.Record.Time
	}
	if text, ok := l.header(topics.HeaderFirstSeen); ok {
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return time.Time{} // it cannot be told: as old as can be
		}
		if at.Before(first) {
			first = at
		}
	}
	return first
}

// About is what a record names, as far as it can be read.
type About struct {
	CommandID string `json:"command_id,omitempty"`
	PaymentID string `json:"payment_id,omitempty"`
	ReportID  string `json:"report_id,omitempty"`
}

// About reads what it can of a record that is not to be trusted. Of a masked one the ids are gone, too.
func (l *Letter) About() About {
	if l.Record.Masked {
		return About{}
	}
	var v struct {
		About
		Command About `json:"command"`
	}
	if topics.Unmarshal(l.Record.Value, &v) != nil {
		v.About, v.Command = About{}, About{}
	}
	about := v.About
	if v.Command.CommandID != "" {
		about = v.Command
	}
	if subject, _ := l.header(topics.HeaderSubject); about.PaymentID == "" && strings.HasPrefix(subject, "pay_") {
		about.PaymentID = subject
	}
	return about
}
