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
	// Amount is how much has come in all, minor units, of a payment by crypto that is approved; absent: what was asked for.
	Amount int64 `json:"amount,omitempty"`
}

// outcomes are what an operation can be turned into by hand.
func (p *payment) outcomes(op *operation) []Status {
	other := p.Method != nil && op.Kind == Authorize
	switch {
	case other && op.Status == RequiresAction:
		return []Status{Pending, Approved, Declined}
	case other && op.Status == Approved && p.Method.Type == "crypto":
		return []Status{Approved, Reversed}
	case other && op.Status == Approved:
		return []Status{Reversed}
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
	shown, refused := s.book.settleByHand(s.book.newest(wanted.RequestID), wanted.Status, wanted.Amount, time.Now().UTC(), s.baseURL)
	if refused != nil {
		answerError(w, refused)
		return
	}
	answer(w, http.StatusOK, shown)
}

func (b *book) settleByHand(key string, to Status, came int64, now time.Time, baseURL string) (Operation, *refusal) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, _ := b.find(key)
	if p == nil {
		return Operation{}, refuse(CodeNotFound, "no request with this key was performed")
	}
	p = p.clone()
	op := p.operation(key)
	if can := p.outcomes(op); !slices.Contains(can, to) {
		return Operation{}, refuse(CodeWrongState, "status %.64q: the %s is %s and can become one of %v", to, op.Kind, op.Status, can)
	}
	crypto := p.Method != nil && p.Method.Type == "crypto" && to == Approved
	if came < 0 || came > 0 && !crypto {
		return Operation{}, refuse(CodeInvalid, "amount %d: only of crypto that is approved, above zero", came)
	}
	if op.SettlesTo = to; crypto {
		op.SettlesTo, op.SettlesAt = "", time.Time{}
		b.paid(p, op, to, max(came, 0), now)
	} else {
		b.performer.settle(p, op, now)
	}
	if err := b.put(p); err != nil {
		return Operation{}, refuse(CodeUnavailable, "%v", err)
	}
	return p.show(op, op.Status, baseURL), nil
}
