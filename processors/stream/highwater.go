package stream

import (
	"fmt"

	"github.com/weirhq/weir/topics"
)

// HighWater drops repeats for a reader of one topic that a Fold publishes (O5). A reader with read_uncommitted sees a
// record as soon as it is produced, and sees it again when its transaction was aborted and the next owner published it
// anew: the same record, under the same id. In each partition ids only ever rise, so what is not above the highest one
// seen is a repeat.
//
// It lives in memory. After a restart a reader that goes on from a committed offset sees again what it had not committed,
// as every at-least-once reader does.
//
// HighWater is not safe for concurrent use.
type HighWater struct {
	seen map[int32]topics.EventID
}

// Accept reports whether the record with this ce_id, read from this partition, is seen for the first time. An id that no
// Fold wrote, or that belongs to another partition, is an error, and the record is not accepted.
func (h *HighWater) Accept(partition int32, id string) (bool, error) {
	event, err := topics.ParseEventID(id)
	if err != nil {
		return false, err
	}
	if event.Partition != partition {
		return false, fmt.Errorf("event id %q stands in partition %d", id, partition)
	}
	last, ok := h.seen[partition]
	if ok && (event.Position < last.Position || event.Position == last.Position && event.Index <= last.Index) {
		return false, nil
	}
	if h.seen == nil {
		h.seen = make(map[int32]topics.EventID)
	}
	h.seen[partition] = event
	return true, nil
}

// Forget drops what is known of a partition that is no longer read.
func (h *HighWater) Forget(partition int32) { delete(h.seen, partition) }
