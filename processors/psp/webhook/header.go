package webhook

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// one is the value of a header that must be there once: with two of them, others on the way might have read the other one.
func one(header http.Header, name string) (string, error) {
	values := header.Values(name)
	switch {
	case len(values) != 1 || values[0] == "":
		return "", fmt.Errorf("%w: want the header %s once", ErrUnsigned, name)
	case len(values[0]) > maxHeader:
		return "", fmt.Errorf("%w: header %s has %d bytes, at most %d", ErrUnsigned, name, len(values[0]), maxHeader)
	case !printable(values[0]):
		return "", fmt.Errorf("%w: header %s holds other than printable ASCII", ErrUnsigned, name)
	}
	return values[0], nil
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// validID tells whether an id may name a delivery: it becomes the record's key and stands in answers and logs.
func validID(id string) bool {
	return id != "" && len(id) <= maxID && printable(id) && !strings.Contains(id, " ")
}

// fresh checks a signed time against the replay window. The signature is checked before: the time of a forged delivery
// tells nothing.
func fresh(at, now time.Time) error {
	if age := now.Sub(at); age > Tolerance || age < -Tolerance {
		return fmt.Errorf("%w: signed %s from now, at most %s", ErrStale, age.Round(time.Second), Tolerance)
	}
	return nil
}

// unixTime reads the digits of a Unix time in seconds. Nothing but digits is taken, so that a time has one spelling.
func unixTime(s string) (time.Time, error) {
	n, err := strconv.ParseUint(s, 10, 47) // a signed sum with it stays in range, and so do the milliseconds of template.go
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: time %.32q is not a Unix time", ErrUnsigned, s)
	}
	return time.Unix(int64(n), 0), nil
}
