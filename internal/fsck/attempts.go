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
		for i := range rows {
			r := &rows[i]
			if err := r.check(p.snapshot.partition); err != nil {
				p.problem("attempt", "request "+r.Request, "%v", err)
			}
		}
		if len(rows) < pageRows {
			return nil
		}
		last = rows[len(rows)-1].Request
	}
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
