package stream

import (
	"fmt"

	"github.com/weirhq/weir/topics"
)

// positionFormat is the format number of the records of weir.positions.v1 that this binary writes.
const positionFormat = 1

// TypePosition and TypeBarrier are the ce_types of weir.positions.v1.
const (
	TypePosition = "weir.position.v1"
	TypeBarrier  = "weir.position.barrier.v1"
)

// Position is the value of a position record: all of the role's outputs before Next are committed. It is written in the
// transaction that commits the last of them.
type Position struct {
	Role    string `json:"role"`
	Next    int64  `json:"next"` // N: the position of the first record whose outputs are not published
	Base    int64  `json:"base"` // position = base + offset
	TopicID string `json:"topic_id"`
	Format  int    `json:"format"`
}

// Keys of weir.positions.v1. The barrier has a key of its own: under the role's, compaction would drop the position in
// its favour.
func positionKey(role string) string { return role }
func barrierKey(role string) string  { return role + "/barrier" }

func encodePosition(p Position) ([]byte, error) {
	p.Format = positionFormat
	return topics.Marshal(p)
}

func decodePosition(value []byte) (Position, error) {
	var p Position
	if err := topics.Unmarshal(value, &p); err != nil {
		return Position{}, fmt.Errorf("position record: %w", err)
	}
	if p.Format > positionFormat {
		return p, fmt.Errorf("position record of format %d, this binary reads up to %d: %w",
			p.Format, positionFormat, ErrFutureFormat)
	}
	return p, nil
}
