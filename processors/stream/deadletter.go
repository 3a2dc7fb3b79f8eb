package stream

import (
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/weirhq/weir/topics"
)

// Bounds of what a dead letter says for people.
const (
	maxDetailBytes = 8 << 10
	deadLetterRoom = 2 << 10 // for envelope and field names
)

// deadLetterOf renders the record that goes to the dead-letter topic in place of one that cannot be processed, at most
// limit bytes large: the value is cut at its end where it must be.
func deadLetterOf(role, input string, r *Record, offset int64, reason DeadLetter, limit int) (topics.DeadLetter, []byte, error) {
	letter := topics.DeadLetter{
		Role: role, Reason: reason.Reason, Detail: reason.Detail[:min(len(reason.Detail), maxDetailBytes)],
		Topic: input, Partition: r.Partition, Offset: offset, Time: r.Time, Key: r.Key, Value: r.Value,
	}
	for _, h := range r.Headers {
		letter.Headers = append(letter.Headers, topics.DeadLetterHeader{Key: h.Key, Value: h.Value})
	}
	mask(&letter)
	room := limit - deadLetterRoom - 2*len(letter.Detail) - len(letter.Key) // the key is in the record, too
	room -= base64Size(len(letter.Key))
	for i, h := range letter.Headers {
		size := base64Size(len(h.Value)) + 2*len(h.Key) + 32
		if room -= size; room < 0 {
			letter.Headers, letter.OmittedHeaders = letter.Headers[:i], len(letter.Headers)-i
			room += size
			break
		}
	}
	if keep := max(room, 0) / 4 * 3; len(letter.Value) > keep {
		letter.OmittedBytes = len(letter.Value) - keep
		letter.Value = letter.Value[:keep]
	}
	value, err := topics.Marshal(letter)
	if err != nil {
		return topics.DeadLetter{}, nil, fmt.Errorf("dead letter: %w", err)
	}
	return letter, value, nil
}

func base64Size(n int) int { return (n + 2) / 3 * 4 }

// mask replaces every digit of a record in which a card number stands: one is never stored.
func mask(letter *topics.DeadLetter) {
	found := topics.FindCardNumber([]byte(letter.Detail)) || topics.FindCardNumber(letter.Key) ||
		topics.FindCardNumber(letter.Value)
	for _, h := range letter.Headers {
		found = found || topics.FindCardNumber([]byte(h.Key)) || topics.FindCardNumber(h.Value)
	}
	if !found {
		return
	}
	letter.Masked = true
	letter.Detail = string(masked([]byte(letter.Detail)))
	letter.Key, letter.Value = masked(letter.Key), masked(letter.Value)
	for i := range letter.Headers {
		letter.Headers[i].Key = string(masked([]byte(letter.Headers[i].Key)))
		letter.Headers[i].Value = masked(letter.Headers[i].Value)
	}
}

func masked(data []byte) []byte {
	out := make([]byte, 0, len(data))
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		if unicode.IsDigit(r) {
			out = append(out, 'x')
		} else {
			out = append(out, data[:size]...)
		}
		data = data[size:]
	}
	return out
}
