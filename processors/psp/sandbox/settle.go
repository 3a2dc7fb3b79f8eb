package sandbox

import (
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/segmentio/encoding/json"
)

// Settle is the body of POST /v1/test/settle: it decides an operation that is pending, or undoes one that had succeeded,
// and the webhook tells.
type Settle struct {
	RequestID string `json:"request_id"`
	Status    Status `json:"status"`
}

// outcomes are what an operation can be turned into by hand.
func (op *operation) outcomes() []Status {
	switch {
	case op.Kind == Authorize && op.Status == Pending:
		return []Status{Approved, Declined}
	case (op.Kind == Refund || op.Kind == Payout) && op.Status == Pending:
		return []Status{Approved, Failed}
	case op.Kind == Refund && op.Status == Approved:
		return []Status{Reversed}
	case op.Kind == Payout && op.Status == Approved:
		return []Status{Failed, Reversed}
	}
	return nil
}

func (s *Server) settle(w http.ResponseWriter, r *http.Request) {
	var wanted Settle
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if err == nil {
		err = json.Unmarshal(body, &wanted)
	}
	if err != nil {
		answerError(w, refuse(CodeInvalid, "body: %v", err))
		return
	}
	shown, refused := s.book.settleByHand(s.book.newest(wanted.RequestID), wanted.Status, time.Now().UTC(), s.baseURL)
	if refused != nil {
		answerError(w, refused)
		return
	}
	answer(w, http.StatusOK, shown)
}

func (b *book) settleByHand(key string, to Status, now time.Time, baseURL string) (Operation, *refusal) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, _ := b.find(key)
	if p == nil {
		return Operation{}, refuse(CodeNotFound, "no request with this key was performed")
	}
	p = p.clone()
	op := p.operation(key)
	if can := op.outcomes(); !slices.Contains(can, to) {
		return Operation{}, refuse(CodeWrongState, "status %.64q: the %s is %s and can become one of %v", to, op.Kind, op.Status, can)
	}
	op.SettlesTo = to
	b.performer.settle(p, op, now)
	if err := b.put(p); err != nil {
		return Operation{}, refuse(CodeUnavailable, "%v", err)
	}
	return p.show(op, op.Status, baseURL), nil
}
