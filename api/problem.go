package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/weirhq/weir/api/await"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/topics"
)

// Problem is an answer that is an error.
type Problem struct {
	Status     int
	Code       string // stable; the document lists it
	Message    string // for people
	Details    *ErrorDetails
	RetryAfter time.Duration
	Cause      error // for the log
}

func (p *Problem) Error() string {
	if p.Cause != nil {
		return p.Code + ": " + p.Message + ": " + p.Cause.Error()
	}
	return p.Code + ": " + p.Message
}

func (p *Problem) Unwrap() error { return p.Cause }

func (p *Problem) body(traceID string) Error {
	return Error{Error: p.Code, Message: p.Message, TraceID: traceID, Details: p.Details}
}

// retryUnavailable is what clients are told to wait while the broker or the database is away.
const retryUnavailable = 2 * time.Second

// problemOf turns any error into what the client is told.
func problemOf(err error) *Problem {
	var problem *Problem
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &problem):
		return problem
	case errors.As(err, &tooLarge):
		return problemTooLarge(tooLarge.Limit)
	case errors.Is(err, await.ErrNotReady), errors.Is(err, await.ErrBusy):
		return unavailable("the engine cannot take the request now; repeat it with the same Idempotency-Key", err)
	case database.IsUnavailable(err), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled),
		errors.Is(err, database.ErrOutcomeUnknown):
		return unavailable("the database is away; repeat the request with the same Idempotency-Key", err)
	}
	return &Problem{Status: http.StatusInternalServerError, Code: "internal",
		Message: "the request failed; name the trace id when you ask about it", Cause: err}
}

func unavailable(message string, cause error) *Problem {
	return &Problem{Status: http.StatusServiceUnavailable, Code: "unavailable", Message: message,
		RetryAfter: retryUnavailable, Cause: cause}
}

func invalid(field, message string) *Problem {
	p := &Problem{Status: http.StatusUnprocessableEntity, Code: string(topics.RefusedInvalid), Message: message}
	if field != "" {
		p.Details = &ErrorDetails{Field: field}
	}
	return p
}

func notFound(what string) *Problem {
	return &Problem{Status: http.StatusNotFound, Code: "not_found", Message: "there is no " + what}
}

// statusOfRefusal gives each refusal code the status with which it is answered.
func statusOfRefusal(code topics.RefusalCode) int {
	switch code {
	case topics.RefusedUnknownPayment, topics.RefusedUnknownPayout, topics.RefusedUnknownLink, topics.RefusedUnknownDispute, topics.RefusedUnknownAccount, topics.RefusedUnknownMandate:
		return http.StatusNotFound
	case topics.RefusedAccountClosed, topics.RefusedFinished, topics.RefusedWrongState, topics.RefusedReviewRequired, topics.RefusedInProgress, topics.RefusedUnderReview, topics.RefusedMandateNotActive:
		return http.StatusConflict
	case topics.RefusedDisputed, topics.RefusedByDashboardOnly:
		return http.StatusConflict
	case topics.RefusedBlocked:
		return http.StatusPaymentRequired
	case topics.RefusedUndecodable, topics.RefusedPoison:
		return http.StatusInternalServerError
	}
	return http.StatusUnprocessableEntity
}

// refused is the answer to a command that was refused; reasons are those of the risk rules, where these refused it.
func refused(code topics.RefusalCode, detail string, reasons ...string) *Problem {
	p := &Problem{Status: statusOfRefusal(code), Code: string(code), Message: detail}
	if len(reasons) > 0 {
		p.Details = &ErrorDetails{Reasons: reasons}
	}
	if detail == "" {
		p.Message = "the command was refused: " + string(code)
	}
	if p.Status == http.StatusInternalServerError { // the detail may hold a stack or an SQL message
		p.Message = "the engine could not apply the command and set it aside"
	}
	if code == topics.RefusedInvalid || code == topics.RefusedCardNumber {
		if field, _, ok := strings.Cut(detail, ": "); ok {
			p.Details = &ErrorDetails{Field: field}
		}
	}
	return p
}
