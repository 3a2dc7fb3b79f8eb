package stream

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// Point is a moment of a Fold between two of which nothing durable happens: a crash at any of them must be repaired by
// the next owner.
type Point string

const (
	BeforeDatabaseCommit Point = "before-database-commit" // all is ready to be sent, COMMIT included: the batch is lost and applied again
	AfterDatabaseCommit  Point = "after-database-commit"  // applied, not published: O2 publishes it
	DuringPublish        Point = "during-publish"         // after the first records of a batch were produced: aborted by the next owner, then O2
	BeforeKafkaCommit    Point = "before-kafka-commit"    // all produced: aborted by the next owner, then O2
	AfterKafkaCommit     Point = "after-kafka-commit"     // published, and the position with it: nothing to repair
)

// The points of a Table. What a crash at any of them leaves is found by the next owner, which restores the last flush.
const (
	AfterReplies      Point = "after-replies"       // records are applied and not flushed: they are applied again, to the same replies
	DuringFlush       Point = "during-flush"        // some of the changelog's records are produced: aborted by the next owner
	BeforeFlushCommit Point = "before-flush-commit" // all of them are: likewise
	AfterFlushCommit  Point = "after-flush-commit"  // the state and its position are committed: nothing to repair
)

// TablePoints lists the points of a Table in the order in which they are passed.
func TablePoints() []Point {
	return []Point{AfterReplies, DuringFlush, BeforeFlushCommit, AfterFlushCommit}
}

// Points lists the points of a Fold in the order in which a batch passes them.
func Points() []Point {
	return []Point{BeforeDatabaseCommit, AfterDatabaseCommit, DuringPublish, BeforeKafkaCommit, AfterKafkaCommit}
}

// Hook is called at each point, from several goroutines. An error that it returns ends the session there as a failure of
// the call before would, and the next one repairs it.
type Hook func(point Point, partition int32) error

// CrashVariable is the environment variable that CrashAt reads for tests that kill a process.
const CrashVariable = "WEIR_CRASH_AT"

// CrashAt returns the Hook that kills this process with SIGKILL at the n-th passage of a point, for "<point>:<n>" with n
// from 1. It returns no Hook for "".
func CrashAt(value string) (Hook, error) {
	if value == "" {
		return nil, nil
	}
	name, count, _ := strings.Cut(value, ":")
	n, err := strconv.ParseInt(count, 10, 64)
	if err != nil || n < 1 {
		return nil, fmt.Errorf("%s=%q: want <point>:<n> with n from 1", CrashVariable, value)
	}
	if !slices.Contains(Points(), Point(name)) {
		return nil, fmt.Errorf("%s=%q: no such point; there are %v", CrashVariable, value, Points())
	}
	return crashAt(Point(name), n), nil
}

func crashAt(at Point, n int64) Hook {
	var passed atomic.Int64
	return func(point Point, _ int32) error {
		if point == at && passed.Add(1) == n {
			self, err := os.FindProcess(os.Getpid())
			if err == nil {
				err = self.Kill()
			}
			if err != nil {
				return fmt.Errorf("crash at %s: %w", point, err)
			}
			select {} // the signal is on its way: nothing may happen after the point
		}
		return nil
	}
}
