package psp

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/weirhq/weir/topics"
	"github.com/weirhq/weir/topics/chargebacks"
)

// sandboxDispute is which dispute an operation of the sandbox tells of, or answers.
type sandboxDispute struct {
	ID          string    `json:"id"`
	ReasonCode  string    `json:"reason_code"`
	Amount      int64     `json:"amount"`
	EvidenceDue time.Time `json:"evidence_due"`
}

// sandboxDisputeCall is where an answer to a dispute goes, and what it says.
func sandboxDisputeCall(r *topics.PSPRequest) (path string, body sandboxRequest, err error) {
	if r.DisputeReference == "" || strings.ContainsAny(r.DisputeReference, "/?#%") {
		return "", body, fmt.Errorf("dispute_reference %.64q: not a dispute of this PSP", r.DisputeReference)
	}
	path = "/v1/disputes/" + r.DisputeReference
	switch r.Operation {
	case topics.OperationDisputeAccept:
		return path + "/accept", body, nil
	case topics.OperationDisputeEvidence:
		body.Evidence = evidenceText(r.Evidence)
		return path + "/evidence", body, nil
	}
	return "", body, fmt.Errorf("operation %.64q: not one that is asked for", r.Operation)
}

// evidenceText is evidence as one text, for PSPs that take no more.
func evidenceText(e *topics.DisputeEvidence) string {
	if e == nil {
		return ""
	}
	lines := make([]string, 0, 1+len(e.Documents))
	if e.Text != "" {
		lines = append(lines, e.Text)
	}
	for _, d := range e.Documents {
		lines = append(lines, strings.TrimSpace(d.Kind+" "+d.Reference+" "+d.SHA256))
	}
	return strings.Join(lines, "\n")
}

// movesMoney tells whether a fact is a movement of money, which has a name of its own.
func movesMoney(f topics.DisputeFact) bool {
	switch f {
	case topics.FactFundsWithdrawn, topics.FactFundsReinstated, topics.FactFee, topics.FactFeeReturned:
		return true
	}
	return false
}

// facts are the words of the sandbox for what happened to a dispute, which are ours.
func facts() []topics.DisputeFact {
	return []topics.DisputeFact{
		topics.FactInquiry, topics.FactOpened, topics.FactEvidenceSubmitted, topics.FactPreArbitration, topics.FactArbitration,
		topics.FactWon, topics.FactLost, topics.FactClosed, topics.FactFundsWithdrawn, topics.FactFundsReinstated, topics.FactFee,
		topics.FactFeeReturned,
	}
}

// disputeReport maps what the sandbox says of a dispute, or in answer to evidence or an acceptance.
func (op *sandboxOperation) disputeReport(r topics.PSPReport) (topics.PSPReport, error) {
	d := op.Dispute
	if d == nil || d.ID == "" {
		return r, fmt.Errorf("field \"dispute\" is missing in a %s", op.Operation)
	}
	r.Dispute = &topics.DisputeReport{Reference: d.ID, Reason: d.ReasonCode, EvidenceDue: d.EvidenceDue}
	chargebacks.Classify(r.Dispute)
	if op.Operation != topics.OperationDispute {
		if op.Status != "approved" {
			return r, fmt.Errorf("%w: status %q", ErrUnknownEvent, op.Status)
		}
		r.Outcome = topics.PSPApproved
		return r, nil
	}
	fact := topics.DisputeFact(op.Status)
	if !slices.Contains(facts(), fact) {
		return r, fmt.Errorf("%w: status %q", ErrUnknownEvent, op.Status)
	}
	r.Outcome, r.Dispute.Fact, r.NetworkReference = topics.PSPApproved, fact, ""
	if movesMoney(fact) {
		r.Dispute.Movement = op.ID
	}
	return r, nil
}
