"""What must not pass: personal data, secrets, injections, forbidden content, wrong forms."""
