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
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
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

// commitHappened says what is known after COMMIT was answered with err: a nil error, certainly yes; certainly no; or, for
// known = false, nothing.
func commitHappened(err error) (happened, known bool) {
	if err == nil {
		return true, true
	}
	if errors.Is(err, pgx.ErrTxCommitRollback) || errors.Is(err, pgx.ErrTxClosed) || pgconn.SafeToRetry(err) {
		return false, true // answered ROLLBACK, or nothing was sent
	}
	var server *pgconn.PgError
	if !errors.As(err, &server) {
		return false, false
	}
	// FATAL and PANIC end the session, and can come after the commit record was written.
	severity := server.SeverityUnlocalized
	if severity == "" {
		severity = server.Severity
	}
	return false, severity == "ERROR" && server.Code != "40003" && !IsUnavailable(err)
}
