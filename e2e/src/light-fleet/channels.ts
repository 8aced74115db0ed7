import { credentials } from "@grpc/grpc-js";
import { AgentService, type AgentServiceClient } from "@fleetwire/proto";

/** A gRPC connection that carries the streams of several agents. */
export interface Channel {
  readonly client: AgentServiceClient;
  /** Its stream is over. */
  release(): void;
  /** It seems dead: nobody gets it any more. */
  retire(): void;
}

export interface Channels {
  /** A connection to this server with room for one more stream. */
  take(address: string): Channel;
  /** How many are open. */
  count(): number;
  close(): void;
}

const options = {
  // Each channel is a connection of its own.
  "grpc.use_local_subchannel_pool": 1,
  "grpc.enable_retries": 0,
  "grpc.enable_http_proxy": 0,
  "grpc.enable_channelz": 0,
  // The agents' own backoff decides when to try again.
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1_000,
};

interface Open extends Channel {
  streams: number;
  retired: boolean;
}

/** Hands out channels, each with at most `streamsPerChannel` streams. A real agent has one of its own: 1. */
export function createChannels(streamsPerChannel: number): Channels {
  const withRoom = new Map<string, Set<Open>>();
  const all = new Set<Open>();

  function open(address: string): Open {
    const client = new AgentService(address, credentials.createInsecure(), options);
    const room = roomAt(address);
    const channel: Open = {
      client,
      streams: 0,
      retired: false,
      release() {
        channel.streams -= 1;
        if (channel.streams === 0 && (channel.retired || streamsPerChannel === 1)) {
          room.delete(channel);
          all.delete(channel);
          client.close();
        } else if (!channel.retired) room.add(channel);
      },
      retire() {
        channel.retired = true;
        room.delete(channel);
      },
    };
    all.add(channel);
    room.add(channel);
    return channel;
  }

  function roomAt(address: string): Set<Open> {
    const room = withRoom.get(address) ?? new Set();
    withRoom.set(address, room);
    return room;
  }

  return {
    take(address) {
      const room = roomAt(address);
      const [waiting] = room;
      const channel = waiting ?? open(address);
      channel.streams += 1;
      if (channel.streams >= streamsPerChannel) room.delete(channel);
      return channel;
    },
    count: () => all.size,
    close() {
      for (const { client } of all) client.close();
      all.clear();
      withRoom.clear();
    },
  };
}
