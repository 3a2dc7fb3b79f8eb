package fsck

import (
	"context"
	"fmt"

	"github.com/weirhq/weir/topics"
)

// attemptRow is a request to a PSP that a gateway claimed, and what it ended with, nil where that is not known.
type attemptRow struct {
	Request, PSP string
	Report       []byte
}

// attempts checks that gateways can read what they would answer for a request that they meet again, and that it is of that
// request.
func (p *partitionCheck) attempts(ctx context.Context) error {
	last := ""
	for {
		rows, err := collect[attemptRow](ctx, p.checker, `SELECT request, psp, report FROM psp_attempts
WHERE partition = $1 AND request > $2 ORDER BY request LIMIT $3`, p.snapshot.partition, last, pageRows)
		if err != nil {
			return fmt.Errorf("read psp_attempts: %w", err)
		}
		if err := p.attempted(ctx, rows); err != nil {
			return err
		}
		if len(rows) < pageRows {
			return nil
		}
		last = rows[len(rows)-1].Request
	}
}

// attempted checks some of them, and that the log asks for each.
func (p *partitionCheck) attempted(ctx context.Context, rows []attemptRow) error {
	var positions []int64
	for i := range rows {
		if id, err := topics.ParseEventID(rows[i].Request); err == nil && id.Partition == p.snapshot.partition && id.Position < p.next {
			positions = append(positions, id.Position)
		}
	}
	frames, err := p.framesAt(ctx, positions)
	if err != nil {
		return err
	}
	for i := range rows {
		r := &rows[i]
		err := r.check(p.snapshot.partition)
		if id, _ := topics.ParseEventID(r.Request); err == nil && id.Position < p.next {
			err = r.asked(p, id.Position, frames[id.Position])
		}
		if err != nil {
			p.problem("attempt", "request "+r.Request, "%v", err)
		}
	}
	return nil
}

// asked says where the record of a request asks for something else, or for nothing: a gateway would ask a PSP that nobody chose what
// became of it, or say of a request to come that it was sent.
func (r *attemptRow) asked(p *partitionCheck, position int64, frame []byte) error {
	if frame == nil {
		return fmt.Errorf("the log has no record at position %d", position)
	}
	_, outputs, err := p.frames.Decode(p.snapshot.partition, position, frame)
	if err != nil {
		return err
	}
	for i := range outputs {
		o := &outputs[i]
		if o.Envelope.ID != r.Request || o.Topic != topics.Events && o.Topic != topics.PayoutEvents && o.Topic != topics.DisputeEvents {
			continue
		}
		var e struct {
			Request *struct {
				PSP string `json:"psp"`
			} `json:"request"`
		}
		if err := topics.Unmarshal(o.Value, &e); err != nil {
			return err
		}
		if e.Request == nil {
			break
		}
		if e.Request.PSP != "" && e.Request.PSP != r.PSP {
			return fmt.Errorf("it was asked of %s, its event says %s", r.PSP, e.Request.PSP)
		}
		return nil
	}
	return fmt.Errorf("the record at position %d asks no PSP for it", position)
}

func (r *attemptRow) check(partition int32) error {
	id, err := topics.ParseEventID(r.Request)
	switch {
	case err != nil:
		return err
	case id.Partition != partition:
		return fmt.Errorf("its row is in partition %d", partition)
	case r.Report == nil:
		return nil
	}
	var report topics.PSPReport
	if err := topics.Unmarshal(r.Report, &report); err != nil {
		return fmt.Errorf("its report: %w", err)
	}
	if report.RequestID != r.Request || report.PSP != r.PSP {
		return fmt.Errorf("it was asked of %s, its report is of request %q of %s", r.PSP, report.RequestID, report.PSP)
	}
	return nil
}
