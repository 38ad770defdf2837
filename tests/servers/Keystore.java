import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;

/**
 * Makes key stores of PEM files, for a Kafka that reads no PEM: {@code java Keystore.java FOLDER PASSWORD} reads {@code server.crt},
 * {@code server.key} (elliptic curve, PKCS#8) and {@code ca.crt} and writes {@code server.p12} and {@code ca.p12} beside them.
 */
class Keystore {
    public static void main(String[] args) throws Exception {
        var folder = Path.of(args[0]);
        var password = args[1].toCharArray();
        var pem = Files.readString(folder.resolve("server.key"));
        var der = Base64.getMimeDecoder().decode(pem.replaceAll("-----[A-Z ]+-----", ""));
        var key = KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(der));
        var chain = certificates(folder.resolve("server.crt"));

        var own = KeyStore.getInstance("PKCS12");
        own.load(null, null);
        own.setKeyEntry("server", key, password, chain);
        save(own, folder.resolve("server.p12"), password);

        var trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        for (var authority : certificates(folder.resolve("ca.crt"))) {
            trusted.setCertificateEntry("ca" + trusted.size(), authority);
        }
        save(trusted, folder.resolve("ca.p12"), password);
    }

    private static Certificate[] certificates(Path file) throws Exception {
        var in = new ByteArrayInputStream(Files.readAllBytes(file));
        return CertificateFactory.getInstance("X.509").generateCertificates(in).toArray(new Certificate[0]);
    }

    private static void save(KeyStore store, Path file, char[] password) throws Exception {
        try (var out = Files.newOutputStream(file)) {
            store.store(out, password);
        }
    }
}
