package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/kyc"
	"github.com/weirhq/weir/processors/aml/screening"
	"github.com/weirhq/weir/topics"
)

// records screens the customers of a tenant whose records weir keeps. Nobody is passed over in silence: who cannot be screened is named
// by id, and of those who were erased there is nothing left to screen.
func (s *screener) records(cmd *cobra.Command) error {
	return s.a.withDatabase(cmd, func(ctx context.Context, db *database.DB, c *config.Config, _ *slog.Logger) error {
		masters, err := c.CustomerKeys()
		if err != nil {
			return err
		}
		none := true
		err = kyc.Walk(ctx, db.Pool, masters, s.f.tenant, func(r *topics.CustomerRecord, p kyc.Personal, err error) error {
			none = false
			if r.Erased {
				s.erased++
				return nil
			}
			var subject screening.Subject
			if err == nil {
				subject, err = recordSubject(r, p)
			}
			if err != nil {
				s.skipped++
				fmt.Fprintf(s.a.errOut, "%s: %v\n", r.CustomerID, err)
				return nil
			}
			s.add(subject)
			return s.err
		})
		if err == nil && none {
			err = fmt.Errorf("there is no record of a customer of tenant %s", s.f.tenant)
		}
		return err
	})
}

// recordSubject is whom a record says that a customer is. Its errors quote nothing that is encrypted.
func recordSubject(r *topics.CustomerRecord, p kyc.Personal) (screening.Subject, error) {
	if len(p.Names) == 0 {
		return screening.Subject{}, errors.New("the record has no name")
	}
	subject, err := screening.NewSubject(r.CustomerID, p.Names[0], "", p.BirthDate, r.Data.Nationality+";"+r.Data.Country, p.Names[1:]...)
	if err != nil {
		return subject, errors.New("the names or the birth date cannot be screened as they stand; weir customers show --personal shows them")
	}
	return subject, nil
}
