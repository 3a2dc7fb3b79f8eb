package config

import (
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/weirhq/weir/internal/customerkeys"
)

// Customers are the records that say who customers are.
type Customers struct {
	MasterKey       Secret `key:"master_key" validate:"omitempty,customer_master" doc:"Key that customers' data keys are encrypted by, as weir customers keygen prints it: an id, a colon, 32 bytes in base64. Empty: nothing that tells who customers are can be written or read; with embedded parts alone one is made in the data directory."`
	FormerMasterKey Secret `key:"former_master_key" validate:"omitempty,customer_master" doc:"Master key of before, which is still read, until weir customers rotate has encrypted all data keys by the new one."`
}

// MakeCustomerKey makes a master key in the data directory of an installation of embedded parts alone that names none.
func (c *Config) MakeCustomerKey(log *slog.Logger) error {
	if !c.Embedded() || c.Customers.MasterKey != "" || c.Customers.FormerMasterKey != "" {
		return nil
	}
	made, err := customerkeys.MakeDevelopment(c.DataDir)
	if made {
		log.Info("made a master key for records of customers, for development alone: whoever reads the data directory reads them",
			"file", filepath.Join(c.DataDir, customerkeys.DevelopmentFile))
	}
	return err
}

// CustomerKeys are the master keys of customers' data keys, nil where there are none.
func (c *Config) CustomerKeys() (*customerkeys.Masters, error) {
	current, former := c.Customers.MasterKey.Reveal(), c.Customers.FormerMasterKey.Reveal()
	var err error
	if current == "" && former == "" && c.Embedded() {
		if current, err = customerkeys.Development(c.DataDir); err != nil {
			return nil, fmt.Errorf("customers.master_key: %w", err)
		}
	}
	masters, err := customerkeys.NewMasters(current, former)
	if err != nil {
		return nil, fmt.Errorf("customers: %w", err)
	}
	return masters, nil
}
