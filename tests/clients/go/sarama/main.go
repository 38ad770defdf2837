// Command sarama speaks to Kafka by the libraries of Jaeger 1.76: sarama, and sarama-cluster for groups, which joins by JoinGroup v0. It
// ends when its input does; a member that is asked to end commits and leaves its group first.
//
//	sarama member BROKER TOPIC GROUP    is a member as Jaeger's ingester is, and prints what it is given, a line for each time
//	sarama traffic BROKER TOPIC RATE    writes so many records a second, each with a key of its own
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/Shopify/sarama"
	cluster "github.com/bsm/sarama-cluster"
)

func main() {
	what, brokers, topic, last := os.Args[1], []string{os.Args[2]}, os.Args[3], os.Args[4]
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		check(err)
		os.Exit(0)
	}()
	switch what {
	case "member":
		member(brokers, topic, last)
	case "traffic":
		traffic(brokers, topic, last)
	default:
		panic("unknown command " + what)
	}
}

func member(brokers []string, topic, group string) {
	config := cluster.NewConfig()
	config.ClientID = "jaeger-ingester"
	config.Group.Mode = cluster.ConsumerModePartitions
	config.Group.Return.Notifications = true
	config.Consumer.Offsets.CommitInterval = time.Second
	consumer, err := cluster.NewConsumer(brokers, group, []string{topic}, config)
	check(err)
	ending := make(chan os.Signal, 1)
	signal.Notify(ending, syscall.SIGTERM)
	for {
		select {
		case <-ending:
			check(consumer.Close())
			return
		case partition, open := <-consumer.Partitions():
			if !open {
				return
			}
			go func() {
				for message := range partition.Messages() {
					consumer.MarkPartitionOffset(message.Topic, message.Partition, message.Offset, "")
				}
			}()
		case change, open := <-consumer.Notifications():
			if open && change.Type == cluster.RebalanceOK {
				fmt.Println(change.Current[topic])
			}
		}
	}
}

func traffic(brokers []string, topic, rate string) {
	perSecond, err := strconv.Atoi(rate)
	check(err)
	config := sarama.NewConfig()
	config.Producer.Return.Successes = true
	producer, err := sarama.NewSyncProducer(brokers, config)
	check(err)
	for now := range time.Tick(time.Second / time.Duration(perSecond)) {
		_, _, err := producer.SendMessage(&sarama.ProducerMessage{
			Topic: topic,
			Key:   sarama.StringEncoder(fmt.Sprintf("%016x", now.UnixNano())),
			Value: sarama.StringEncoder("traffic"),
		})
		check(err)
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
