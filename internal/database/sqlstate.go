package database

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ErrOutcomeUnknown is wrapped by the error of a transaction whose COMMIT was sent and whose answer never came: it may
// or may not have happened. Only reading the database tells.
var ErrOutcomeUnknown = errors.New("transaction outcome unknown")

// SQLState returns the five-character SQLSTATE of err, "" where the server did not send it.
func SQLState(err error) string {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		return server.Code
	}
	return ""
}

// IsData reports whether the server refuses the values themselves (class 22, data exception, or 23, constraint
// violation): the same statement would fail again.
func IsData(err error) bool { return inClass(err, "22", "23") }

// Constraint is the name of the constraint that the server says is violated, "" where it names none.
func Constraint(err error) string {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return refused.ConstraintName
	}
	return ""
}

// IsRetryable reports whether the transaction lost against another one (class 40) and would be right to run again.
// 40003, completion unknown, is not among them.
func IsRetryable(err error) bool { return inClass(err, "40") && SQLState(err) != "40003" }

// IsUnavailable reports whether the server is away, starting, stopping or out of resources: classes 08, 53 and 57, or a
// broken connection.
func IsUnavailable(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	if SQLState(err) != "" {
		return inClass(err, "08", "53", "57")
	}
	var network net.Error
	var connect *pgconn.ConnectError
	return errors.As(err, &network) || errors.As(err, &connect) || pgconn.SafeToRetry(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, pgconn.ErrConnClosed)
}

func inClass(err error, classes ...string) bool {
	state := SQLState(err)
	for _, class := range classes {
		if strings.HasPrefix(state, class) {
			return true
		}
	}
	return false
}

// OutcomeKnown reports whether err, the answer to a COMMIT that was sent, proves that nothing was committed. Only the
// server's own word does: the driver reports a connection that broke while it waited as one that was closed before.
func OutcomeKnown(err error) bool {
	if errors.Is(err, pgx.ErrTxCommitRollback) {
		return true // answered ROLLBACK
	}
	var server *pgconn.PgError
	if !errors.As(err, &server) {
		return false
	}
	severity := server.SeverityUnlocalized
	if severity == "" {
		severity = server.Severity
	}
	// FATAL and PANIC end the session, and can come after the commit record was written.
	return severity == "ERROR" && server.Code != "40003" && !IsUnavailable(err)
}
