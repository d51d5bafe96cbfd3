// Command zones says the time of Berlin in summer. Its test runs it where there are no zone files.
package main

import (
	"fmt"
	"log"
	"os"
	"time"

	"tocsin/internal/recurrence"
)

func main() {
	if _, err := os.Stat("/usr"); err == nil {
		log.Fatal("this place may have zone files")
	}
	loc, err := recurrence.LoadZone("Europe/Berlin")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(time.Date(2026, time.July, 1, 10, 0, 0, 0, time.UTC).In(loc).Format(time.RFC3339))
}
