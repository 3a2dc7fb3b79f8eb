package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/database"
)

// FoldConfig says what a Fold folds.
type FoldConfig struct {
	Role        string // names the group, the transactional ids, the rows and the position records; never changed
	Input       string // topic; only producers without transactions write it
	DeadLetters string // topic for records that are put aside
	Format      int16  // of what Program stores, from 1; a partition in which a higher one was stored is given up
	Program     Program
	DB          *database.DB
	Kafka       []kgo.Opt // seed brokers, security, logging: what every client of this process has

	// InstanceID makes the process a static member of the group: unique among the processes of the role, the same after a
	// restart. A process that is killed and comes back has its partitions at once. "" for none.
	InstanceID string
	Limits     Limits
	Log        *slog.Logger
	Registerer prometheus.Registerer // nil for none
	Hook       Hook                  // for tests
}

func (c *FoldConfig) validate() error {
	switch {
	case c.Role == "":
		return errors.New("fold: Role is missing")
	case c.Input == "" || c.DeadLetters == "":
		return fmt.Errorf("fold %s: Input or DeadLetters is missing", c.Role)
	case c.Format < 1:
		return fmt.Errorf("fold %s: Format is %d, want at least 1", c.Role, c.Format)
	case c.Program == nil || c.DB == nil || len(c.Kafka) == 0:
		return fmt.Errorf("fold %s: Program, DB or Kafka is missing", c.Role)
	}
	return nil
}

// Fold applies a topic to the database, and publishes what comes of it, each record exactly once.
type Fold struct {
	*tenancy
	config   FoldConfig
	frames   *Frames
	together *database.Gather[*turn]
}

// NewFold checks the configuration. It connects to nothing.
func NewFold(config FoldConfig) (*Fold, error) {
	if err := config.validate(); err != nil {
		return nil, err
	}
	config.Limits = config.Limits.withDefaults()
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	frames, err := NewFrames(config.Role)
	if err != nil {
		return nil, err
	}
	f := &Fold{config: config, frames: frames, together: newTurns(config.DB, config.Limits)}
	f.tenancy, err = newTenancy(tenancyConfig{
		role: config.Role, input: config.Input, instanceID: config.InstanceID, kafka: config.Kafka, limits: config.Limits,
		log: config.Log, registerer: config.Registerer, sessions: f.sessions,
	})
	if err != nil {
		return nil, fmt.Errorf("fold %s: %w", config.Role, err)
	}
	return f, nil
}

// Run takes part in the role's group and folds every partition that is assigned, until ctx is done. It then finishes the
// batches in hand, publishes them, leaves the group and returns nil, within DrainTimeout and three LeaveTimeouts even
// where broker or database are away. Errors of a partition do not end it: they are retried, and shown by Status.
func (f *Fold) Run(ctx context.Context) error { return f.owner.run(ctx) }

func (f *Fold) sessions(partition int32, status *partitionStatus, log *slog.Logger) sessionFunc {
	suspects := &suspects{}
	return func(ctx, drain context.Context) error {
		s := &session{Fold: f, partition: partition, suspects: suspects, status: status, log: log}
		return s.run(ctx, drain)
	}
}
